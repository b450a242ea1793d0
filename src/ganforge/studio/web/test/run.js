/** Runs the unit tests, `*.test.js` beside this file, with node's own runner: `npm test`. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";

const here = fileURLToPath(new URL(".", import.meta.url));
const out = mkdtempSync(join(tmpdir(), "studio-units-"));
try {
  const names = readdirSync(here).filter((name) => name.endsWith(".test.js"));
  // Node reads no TypeScript before version 22.18.
  await build(names.map((name) => ({
    input: join(here, name), platform: "node", logLevel: "warn", output: { file: join(out, name.replace(".js", ".mjs")) },
  })));
  const files = names.map((name) => join(out, name.replace(".js", ".mjs")));
  process.exitCode = spawnSync(process.execPath, ["--test", ...files], { stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(out, { recursive: true });
}
