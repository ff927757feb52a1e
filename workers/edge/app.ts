import { apiError } from "../../src/apps/errors.ts";
import { errorsAt } from "../../src/apps/registry.ts";
import { createApp } from "../../src/http/app.ts";
import { ConfigurationError, createMesh, type EdgeEnv, type EdgeOptions } from "./mesh.ts";

export type { EdgeEnv } from "./mesh.ts";

/** The edge worker's fetch handler. What it knows of the fleet lives as long as the isolate. */
export function createEdgeWorker(options: EdgeOptions): {
  fetch(request: Request, env: EdgeEnv, context: ExecutionContext): Promise<Response>;
} {
  const app = createApp();
  let meshOf: Promise<Awaited<ReturnType<typeof createMesh>> | ConfigurationError> | undefined;
  return {
    async fetch(request, env, context) {
      meshOf ??= createMesh(env, options).catch(asConfigurationError);
      const mesh = await meshOf;
      if (mesh instanceof ConfigurationError) return notConfigured(mesh, request);
      return app.fetch(request, { MESH_OF_REQUEST: mesh.forRequest(request, env) }, context);
    },
  };
}

function asConfigurationError(error: unknown): ConfigurationError {
  if (error instanceof ConfigurationError) return error;
  throw error;
}

/** Whoever deployed the mesh is told what it lacks; nothing of it is secret. */
function notConfigured({ message }: ConfigurationError, { url, headers }: Request): Response {
  console.error(JSON.stringify({ event: "not_configured", error: message }));
  return errorsAt(new URL(url).pathname, headers).respond(
    apiError("not_configured", message),
    crypto.randomUUID(),
  );
}
