import type { Edits } from "./dialect.ts";

/** What every leg that answers the client needs: the engine's own model name, and usage at the end of a stream. */
export function bothPhases(stream: boolean, model: string): Edits {
  return {
    set: {
      model: JSON.stringify(model),
      ...(stream && { stream_options: '{"include_usage":true}' }),
    },
    remove: [],
  };
}
