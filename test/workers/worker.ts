import type { Receipts, ReceiptsEnv } from "../../src/durable/receipts.ts";
import type { Session, SessionEnv } from "../../src/durable/session.ts";

export { Receipts } from "../../src/durable/receipts.ts";
export { Session } from "../../src/durable/session.ts";

export default {
  fetch: () => new Response("objects under test"),
};

declare global {
  namespace Cloudflare {
    interface Env extends SessionEnv, ReceiptsEnv {
      readonly SESSIONS: DurableObjectNamespace<Session>;
      readonly RECEIPTS: DurableObjectNamespace<Receipts>;
    }
  }
}
