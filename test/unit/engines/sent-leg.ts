import type { Engine, Pool } from "../../../src/core/fleet.ts";
import { engineRequest } from "../../../src/region/engine-request.ts";
import type { LegOrder } from "../../../src/region/service.ts";
import { fleet, pool } from "../plan/plan-fixtures.ts";
import { legOrder } from "../region/leg-order.ts";

export type SentOrder = Partial<Omit<LegOrder, "body" | "engine">> & {
  readonly pool?: Partial<Pool>;
  /** Of `p/0`, which prefills. */
  readonly prefill?: Partial<Engine>;
  /** Other pools of the fleet. */
  readonly beside?: readonly Pool[];
  readonly learned?: string;
};

/** What an engine of `pool` `d` is sent for a client's body: its text and headers; undefined where it cannot be yet. */
export function sentLeg(
  dialect: string,
  leg: LegOrder["leg"],
  body: string,
  given: SentOrder = {},
): Sent | undefined {
  const { pool: members, prefill, beside = [], learned, ...order } = given;
  const own = { dialect, modelName: "own-name", engineCount: 1, ...members };
  const p = pool("p", own);
  const prefills = { ...p, engines: p.engines.map((engine) => ({ ...engine, ...prefill })) };
  const poolList = [prefills, pool("d", own), ...beside];
  const access = { fleet: fleet({ poolList }), engineFetch: fetch, secret: () => undefined };
  const request = engineRequest(
    access,
    legOrder({
      engine: leg === "prefill" ? "p/0" : "d/0",
      leg,
      body: new TextEncoder().encode(body),
      ...order,
    }),
    learned,
  );
  if (request === undefined) return undefined;
  return {
    url: request.url,
    text: new TextDecoder().decode(request.init.body as Uint8Array),
    headers: new Headers(request.init.headers),
  };
}

type Sent = { readonly url: string; readonly text: string; readonly headers: Headers };

/** The body alone. */
export function sentBody(
  dialect: string,
  leg: LegOrder["leg"],
  body: string,
  given: SentOrder = {},
): string {
  const sent = sentLeg(dialect, leg, body, given);
  if (sent === undefined) throw new TypeError("the leg could not be written");
  return sent.text;
}

/** A split from `p/0` to `d/0`. */
export function splitAt(rendezvous = "4503599627370497") {
  return { prefill: "p/0", decode: "d/0", rendezvous };
}
