import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../support/imports.ts";
import { CASES } from "./cases.ts";
import { CONTRACTS } from "./dialect-mesh.ts";

const BEGIN = "<!-- contract:begin -->";
const END = "<!-- contract:end -->";

/** The README's table of case by dialect, as it is written there and as the suite makes it; `WRITE=1` writes it. */
export function contractTable(): { readonly written: string; readonly made: string } {
  const path = join(ROOT, "README.md");
  const readme = readFileSync(path, "utf8");
  const from = readme.indexOf(BEGIN) + BEGIN.length;
  const to = readme.indexOf(END);
  if (to < from) throw new Error(`README.md lacks ${BEGIN} and ${END}`);
  const made = `\n${table()}\n`;
  if (process.env["WRITE"] === "1") {
    writeFileSync(path, readme.slice(0, from) + made + readme.slice(to));
    return { written: made, made };
  }
  return { written: readme.slice(from, to), made };
}

function table(): string {
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    row(["", ...CONTRACTS.map(({ dialect }) => `\`${dialect}\``)]),
    `|${"---|".repeat(CONTRACTS.length + 1)}`,
    ...CASES.map(({ name, expected }) => row([name, ...CONTRACTS.map(expected)])),
  ].join("\n");
}
