import { createEdgeWorker, type EdgeEnv } from "./app.ts";

export { Fleet } from "../../src/durable/fleet.ts";
export { Once } from "../../src/durable/once.ts";
export { Receipts } from "../../src/durable/receipts.ts";
export { Session } from "../../src/durable/session.ts";
export { Region } from "./region.ts";

const edge = createEdgeWorker({});

export default {
  fetch: (request, env, context) => edge.fetch(request, env, context),
} satisfies ExportedHandler<EdgeEnv>;
