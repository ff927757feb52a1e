import { appendFileSync, existsSync, readFileSync } from "node:fs";
import type { CellResult } from "../../../src/replay/campaign/results.ts";
import type { Conditions } from "./worker.ts";

/** The finished cells of a campaign's file, which is begun if it is not there; conditions must be those it began with. */
export function openResults(path: string, conditions: Conditions): CellResult[] {
  const said = JSON.stringify({ conditions });
  if (!existsSync(path)) {
    appendFileSync(path, `${said}\n`);
    return [];
  }
  const [first, ...lines] = readFileSync(path, "utf8").split("\n");
  if (first !== said) throw new Error(`${path} was made with other conditions: ${first}`);
  // A last line that was cut off while being written is run again.
  if (lines.at(-1) !== "") appendFileSync(path, "\n");
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as CellResult];
    } catch {
      return [];
    }
  });
}

/** Adds a finished cell. */
export function addResult(path: string, result: CellResult): void {
  appendFileSync(path, `${JSON.stringify(result)}\n`);
}
