/** Rows of cells that people filter, sort and take away. */

export type Row = readonly string[];

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function number(text: string): number {
  const plain = text.trim().replace("−", "-");
  return NUMBER.test(plain) ? Number(plain) : NaN;
}

/** Whether a cell is as a filter says: `>40`, `<=3`, `30..40`, `=exactly`, or any part of the text. */
export function passes(cell: string, filter: string): boolean {
  const wish = filter.trim();
  if (wish === "") return true;
  const bound = /^(>=|<=|>|<)\s*(\S+)$/.exec(wish);
  if (bound && !Number.isNaN(number(bound[2] ?? ""))) {
    const [value, limit] = [number(cell), number(bound[2] ?? "")];
    switch (bound[1]) {
      case ">": return value > limit;
      case "<": return value < limit;
      case ">=": return value >= limit;
      default: return value <= limit;
    }
  }
  const range = /^(\S+?)\.\.(\S+)$/.exec(wish);
  if (range && !Number.isNaN(number(range[1] ?? "")) && !Number.isNaN(number(range[2] ?? ""))) {
    const value = number(cell);
    return value >= number(range[1] ?? "") && value <= number(range[2] ?? "");
  }
  if (wish.startsWith("=")) return cell.trim().toLowerCase() === wish.slice(1).trim().toLowerCase();
  return cell.toLowerCase().includes(wish.toLowerCase());
}

/** Numbers by their size and before words; words by the alphabet. */
export function compareCells(a: string, b: string): number {
  const [x, y] = [number(a), number(b)];
  if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
  if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
  return a.localeCompare(b, "en");
}

/** Those that pass every filter, sorted by a column (the sign of `way` says which way), or in their order. */
export function sifted(rows: readonly Row[], filters: readonly string[], column: number | null, way: number): Row[] {
  const kept = rows.filter((row) => filters.every((filter, i) => passes(row[i] ?? "", filter)));
  return column === null ? kept : kept.sort((a, b) => way * compareCells(a[column] ?? "", b[column] ?? ""));
}
