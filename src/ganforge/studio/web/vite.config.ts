import { defineConfig } from "vite";

// Built into the Python package, so that the installed studio needs neither node nor a network.
export default defineConfig({
  base: "./",
  build: {
    outDir: "../static",
    emptyOutDir: true,
    target: "es2022",
    sourcemap: false,
    chunkSizeWarningLimit: 400,
  },
});
