import { createApp } from "../../src/http/app.ts";
import { createMesh, type EdgeEnv, type EdgeOptions } from "./mesh.ts";

export type { EdgeEnv } from "./mesh.ts";

/** The edge worker's fetch handler. What it knows of the fleet lives as long as the isolate. */
export function createEdgeWorker(options: EdgeOptions): {
  fetch(request: Request, env: EdgeEnv, context: ExecutionContext): Promise<Response>;
} {
  const app = createApp();
  let meshOf: ReturnType<typeof createMesh> | undefined;
  return {
    async fetch(request, env, context) {
      meshOf ??= createMesh(env, options);
      const mesh = await meshOf;
      return app.fetch(request, { MESH_OF_REQUEST: mesh.forRequest(request, env) }, context);
    },
  };
}
