import type { Context } from "hono";
import type { AnswerFacts } from "../apps/app-api.ts";
import { mintResponseId, newResponseNumber } from "../core/stored-response.ts";
import type { Turn } from "../turn/deps.ts";
import type { SessionRef } from "../turn/session-name.ts";
import type { HttpEnv } from "./env.ts";
import type { RecalledRequest } from "./recall.ts";

/** Where the answer of a turn is stored: in its session, under an id that says so. */
export async function placeFor(
  c: Context<HttpEnv>,
  { tenant, request }: Turn,
  ref: SessionRef,
  goesOn: RecalledRequest["goesOn"],
): Promise<Pick<AnswerFacts, "stored">> {
  if (ref.kind === "unknown") return {};
  const { ids, sessions } = c.get("mesh");
  const { name } = ref;
  const number = newResponseNumber();
  return {
    stored: {
      id: await mintResponseId(ids, { session: name, number }),
      keep: (stored) =>
        sessions.store(name, {
          v: 1,
          tenant,
          model: request.model,
          number,
          ...goesOn,
          stored,
          now: Date.now(),
        }),
    },
  };
}
