/** Binary messages: a JSON header, then aligned arrays and pictures, read without a copy. */

export type Numeric = Float32Array | Uint8Array | Int32Array;

export interface Block {
  data: Numeric;
  shape: number[];
}

export interface Binary<Header> {
  header: Header;
  arrays: Map<string, Block>;
  pictures: Blob[];
}

interface Layout {
  arrays?: Record<string, { type: "f32" | "u8" | "i32"; shape: number[]; offset: number }>;
  pictures?: { offset: number; length: number; media: string }[];
}

export function decode<Header extends object>(buffer: ArrayBuffer): Binary<Header> {
  const length = new DataView(buffer).getUint32(0, true);
  const text = new TextDecoder().decode(new Uint8Array(buffer, 4, length));
  const header = JSON.parse(text) as Header & Layout;
  const start = 4 + length;
  const arrays = new Map<string, Block>();
  for (const [name, { type, shape, offset }] of Object.entries(header.arrays ?? {})) {
    const count = shape.reduce((product, side) => product * side, 1);
    arrays.set(name, { data: view(buffer, type, start + offset, count), shape });
  }
  const pictures = (header.pictures ?? []).map(
    ({ offset, length: size, media }) => new Blob([new Uint8Array(buffer, start + offset, size)], { type: media }),
  );
  return { header, arrays, pictures };
}

function view(buffer: ArrayBuffer, type: "f32" | "u8" | "i32", start: number, count: number): Numeric {
  if (type === "u8") return new Uint8Array(buffer, start, count);
  return type === "f32" ? new Float32Array(buffer, start, count) : new Int32Array(buffer, start, count);
}
