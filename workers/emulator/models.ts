import type { EngineConfig } from "./config.ts";

/** What `GET /v1/models` answers. */
export function modelList({ model, pool }: EngineConfig): unknown {
  const created = 0;
  const data = [
    {
      id: model.id,
      object: "model",
      created,
      owned_by: pool.id,
      max_model_len: model.contextWindow,
    },
  ];
  return { object: "list", data };
}
