import { AUTH, createEdge, type Edge, type EdgeOptions } from "./edge.ts";
import { testMesh } from "./test-mesh.ts";

/** An edge of a mesh with a pool of two engines that embed beside the others; some members of it replaced. */
export async function createEmbeddingEdge(
  env: EdgeOptions["env"] = {},
  members: object = {},
): Promise<EmbeddingEdge> {
  const { models, pools } = testMesh;
  const vectors = { ...models["llama-8b"], kind: "embedding", aliases: ["embed"] };
  const embed = { ...pools["near-ams"], model: "vectors", roles: ["prefill"] };
  const engines = embed.engines.map((engine) => ({
    ...engine,
    url: engine.url.replace("llama-8b", "vectors"),
  }));
  const mesh = {
    ...testMesh,
    models: { ...models, vectors },
    pools: { ...pools, embed: { ...embed, engines, ...members } },
  };
  // Region objects of tests know the mesh without them.
  const edge = await createEdge({ regions: false, env: { MESH: mesh, ...env } });
  return {
    ...edge,
    embed: (body, headers = AUTH) =>
      edge.call("/v1/embeddings", {
        method: "POST",
        headers,
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
  };
}

export type EmbeddingEdge = Edge & {
  /** Posts a request for embeddings, with a good key unless told. */
  embed(body: object | string, headers?: Record<string, string>): Promise<Response>;
};

/** One vector, as no serializer writes it. */
export const VECTORS =
  '{ "object":"list","data":[ {"object":"embedding","index":0,"embedding":[0.10,-2e-3]}],"model":"m","usage":{"prompt_tokens":4,"total_tokens":4}}\n';

export function vectors(text: string = VECTORS): Response {
  return new Response(text, { headers: { "content-type": "application/json" } });
}
