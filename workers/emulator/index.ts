import type { EmulatorEnv } from "./env.ts";
import { parsePath } from "./path.ts";
import { failure } from "./problem.ts";

export { EmulatedEngine } from "./emulated-engine.ts";

/** Emulated engines over HTTP: each `/<pool>/<number>` is an engine of its own, living in its own object. */
export default {
  async fetch(request, env): Promise<Response> {
    const path = parsePath(new URL(request.url).pathname);
    if (!path) return failure(404, "not_found", "No engine here: paths begin /<pool>/<number>/.");
    // An abort does not reach the object unless the signal is handed on.
    return env.ENGINES.getByName(path.engine).fetch(
      new Request(request, { signal: request.signal }),
    );
  },
} satisfies ExportedHandler<EmulatorEnv>;
