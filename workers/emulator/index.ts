import { fleetOf, type EmulatorEnv } from "./env.ts";
import { EMULATED_HOSTS, parsePath } from "./path.ts";
import { failure } from "./problem.ts";

export { EmulatedEngine } from "./emulated-engine.ts";

/**
 * Emulated engines over HTTP: each `/<pool>/<number>` is an engine of its own, living in its own object. What it serves
 * to other engines is below `/bootstrap`, or at its `bootstrapHost`.
 */
export default {
  async fetch(request, env): Promise<Response> {
    const path = pathIn(new URL(request.url), env);
    const engine = parsePath(path)?.engine;
    if (engine === undefined) {
      return failure(404, "not_found", "No engine here: paths begin /<pool>/<number>/.");
    }
    // An abort does not reach the object unless the signal is handed on.
    const { signal } = request;
    return env.ENGINES.getByName(engine).fetch(
      new Request(new URL(path, "http://emulator"), new Request(request, { signal })),
    );
  },
} satisfies ExportedHandler<EmulatorEnv>;

function pathIn({ hostname, pathname, search }: URL, env: EmulatorEnv): string {
  if (!hostname.endsWith(EMULATED_HOSTS)) return pathname + search;
  const engines = [...fleetOf(env).pools.values()].flatMap((pool) => pool.engines);
  const met = engines.find(({ bootstrapHost }) => bootstrapHost === hostname);
  return met ? `/${met.id}/bootstrap${pathname}` : "/";
}
