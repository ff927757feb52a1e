import type { EngineSide } from "../dialects/dialect.ts";

/** What a Dynamo frontend shows of itself; its workers have pages of their own elsewhere. */
export function dynamoMetrics({ config, engine }: EngineSide): Response {
  const { running, waiting } = engine.load;
  const labels = `{model="${config.model.id}"}`;
  const lines = [
    `dynamo_frontend_inflight_requests${labels} ${running + waiting}`,
    `dynamo_frontend_queued_requests${labels} ${waiting}`,
    "",
  ];
  return new Response(lines.join("\n"));
}
