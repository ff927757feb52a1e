import { z } from "zod";
import { meshSchema } from "./schema.ts";

/** JSON Schema of `mesh.json` as people write it, for editors. */
export function meshJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(meshSchema, { io: "input" }), title: "Phaseway mesh" };
}

/** The text of `mesh.schema.json`. */
export function meshJsonSchemaText(): string {
  return `${JSON.stringify(meshJsonSchema(), null, 2)}\n`;
}
