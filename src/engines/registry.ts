import type { Capabilities, Dialect } from "./dialect.ts";
import { openai } from "./openai/dialect.ts";
import { vllmNixl } from "./vllm-nixl/dialect.ts";

const dialects: ReadonlyMap<string, Dialect> = new Map(
  [openai, vllmNixl].map((dialect) => [dialect.name, dialect]),
);

/** The dialect an engine is spoken to in. Throws for a name `mesh.json` could not have passed with. */
export function dialectOf(name: string): Dialect {
  const dialect = dialects.get(name);
  if (dialect === undefined) throw new TypeError(`unknown dialect \`${name}\``);
  return dialect;
}

export function capabilitiesOf(name: string): Capabilities {
  return dialectOf(name).capabilities;
}
