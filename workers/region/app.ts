import { createRegionWorker } from "../../src/region/region-worker.ts";
import { createRegions, type Namespace, type RegionStub } from "../../src/rpc/objects.ts";
import type { RegionEnv } from "../edge/region.ts";
import { fleetOf } from "../edge/fleet.ts";

/** The fetch handler of a region's worker. Its fleet lives as long as the isolate. */
export function createRegionApp(options: { readonly engineFetch?: typeof fetch } = {}): {
  fetch(request: Request, env: RegionWorkerEnv, context: Waits): Promise<Response>;
} {
  let handle: ReturnType<typeof handlerOf> | undefined;
  return {
    fetch(request, env, context) {
      handle ??= handlerOf(env, options.engineFetch ?? ((input, init) => fetch(input, init)));
      return handle(request, (work) => context.waitUntil(work));
    },
  };
}

type Waits = Pick<ExecutionContext, "waitUntil">;

/** Secrets of the region's engines are among them, by the names that `mesh.json` gives them. */
export type RegionWorkerEnv = RegionEnv & { readonly REGIONS: Namespace<RegionStub> };

function handlerOf(env: RegionWorkerEnv, engineFetch: typeof fetch) {
  const fleet = fleetOf(env.MESH);
  const secret = (name: string) => {
    const value = (env as unknown as Readonly<Record<string, unknown>>)[name];
    return typeof value === "string" ? value : undefined;
  };
  return createRegionWorker({ fleet, engineFetch, secret }, createRegions(env.REGIONS, fleet));
}
