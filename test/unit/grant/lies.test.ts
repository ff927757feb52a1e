import { describe, expect, it } from "vitest";
import { grant, type Granted } from "../../../src/core/grant/grant.ts";
import { done, firstToken, told } from "../../../src/core/grant/report.ts";
import type { EngineState, RegionState } from "../../../src/core/grant/region-state.ts";
import { hearCached, observeClaim } from "../../../src/core/grant/residency.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { ask } from "../plan/plan-fixtures.ts";
import { chainOf, granted, grantAsk, region } from "./grant-fixtures.ts";

describe("an engine that lies", () => {
  it("loses its traffic within 20 requests when it says idle and cached, is slow and computes all", () => {
    const asked = play({ slow: 4, keeps: false, says: 1 });
    expect(turnsAt(LIAR, asked.slice(0, 20))).toBeGreaterThan(0);
    expect(turnsAt(LIAR, asked.slice(20))).toBe(0);
  });

  it("loses it when it is but slow", () => {
    expect(turnsAt(LIAR, play({ slow: 4, keeps: true, says: 1 }).slice(20))).toBe(0);
  });

  it("loses it when it is fast, and only its first tokens show that nothing was cached", () => {
    expect(turnsAt(LIAR, play({ slow: 1, keeps: false, says: 1 }).slice(20))).toBe(0);
  });

  it("loses it when it admits that it found nothing of what it was sent before", () => {
    expect(turnsAt(LIAR, play({ slow: 1, keeps: false, says: 0 }).slice(20))).toBe(0);
  });

  it("loses it within 20 requests of its own where it says nothing of its cache", () => {
    const asked = play({ slow: 1, keeps: false }, 90);
    expect(turnsAt(LIAR, asked.slice(60))).toBe(0);
    expect(turnsAt(LIAR, asked)).toBeLessThan(20);
  });
});

describe("an engine that keeps what it is sent", () => {
  it("keeps its conversations, whether it tells of its cache or not", () => {
    expect(turnsAt(LIAR, play({ slow: 1, keeps: true, says: 1 }))).toBe(20);
    expect(turnsAt(LIAR, play({ slow: 1, keeps: true }))).toBe(20);
  });
});

describe("trust in what an engine holds", () => {
  const claim = { share: 0.8, warmMs: 200, coldMs: 1000 };

  it("falls by what it says, and is not raised by what it says", () => {
    const engine = engineOf(region());
    hearCached(engine, claim, 0.2);
    const { trust } = engine.residency;
    expect(trust).toBeLessThan(0.9);
    for (let n = 0; n < 20; n++) hearCached(engine, claim, 0.8);
    expect(engine.residency.trust).toBe(trust);
  });

  it("is raised by prompts that took as long as their rest", () => {
    const { residency } = engineOf(region());
    residency.trust = 0.2;
    residency.tells = true;
    for (let n = 0; n < 5; n++) observeClaim(residency, claim, 1, 210);
    expect(residency.trust).toBeGreaterThan(0.7);
  });

  it("falls a quarter as fast where the engine says nothing", () => {
    const [mute, telling] = [engineOf(region()).residency, engineOf(region()).residency];
    telling.tells = true;
    observeClaim(mute, claim, 1, 1000);
    observeClaim(telling, claim, 1, 1000);
    expect(1 - mute.trust).toBeCloseTo((1 - telling.trust) / 4);
  });

  it("stays where the engine is slow in all, or the time says neither", () => {
    const { residency } = engineOf(region());
    observeClaim(residency, claim, 4, 800);
    observeClaim(residency, claim, 1, 600);
    observeClaim(residency, { ...claim, coldMs: 300 }, 1, 300);
    expect(residency.trust).toBe(1);
  });

  it("does not fall by what was still being computed for another leg", () => {
    const state = region({ engineCount: 1 });
    const [first, second] = [granted(state, grantAsk(), 0), granted(state, grantAsk(), 1)];
    expect(second.heldTokens).toBeGreaterThan(0);
    for (const { ticket } of [first, second]) told(state, ticket, { atMs: 2, cachedShare: 0 }, 2);
    expect(engineOf(state).residency.trust).toBe(1);
  });

  it("counts with its share once it is lost", () => {
    const state = region({ engineCount: 1 });
    firstToken(state, granted(state, grantAsk(), 0).ticket, 500);
    const { heldTokens } = granted(state, grantAsk(), 1000);
    engineOf(state).residency.trust = 0.25;
    expect(granted(state, grantAsk(), 1001).heldTokens).toBe(Math.floor(0.25 * (heldTokens + 1)));
  });
});

function turnsAt(engine: string, asked: readonly string[]): number {
  return asked.filter((one) => one === engine).length;
}

function engineOf(state: RegionState): EngineState {
  const engine = state.pools.get("h200")?.engines[0];
  if (engine === undefined) throw new TypeError("no such engine");
  return engine;
}

const LIAR = "h200/0";
const ANSWER_TOKENS = 50;
const LINK_TOKENS = 1000;

/** What an engine does and says; `says` is the share of a claimed prefix that it reports as cached. */
type Manners = { readonly slow: number; readonly keeps: boolean; readonly says?: number };

const HONEST: Manners = { slow: 1, keeps: true, says: 1 };

/** Sixty turns of three conversations, one after another, and who was asked. The first of four engines has manners. */
function play(manners: Manners, count = 60): string[] {
  const state = region({ engineCount: 4 });
  const random = seededRandom(11);
  const asked: string[] = [];
  let now = 0;
  for (let n = 0; n < count; n++) {
    const conversation = n % 3;
    const turn = Math.floor(n / 3);
    const links = Array.from({ length: 8 + turn }, (_, link) => 1000 * (conversation + 1) + link);
    const chain = chainOf(links, LINK_TOKENS);
    const request = grantAsk({
      ...chain,
      ask: ask({ promptTokens: links.length * LINK_TOKENS, remainingTurns: 10 }),
    });
    const answer = grant(state, request, now, random);
    if (answer.kind !== "granted") throw new TypeError(answer.reason);
    const { engine } = answer.grant;
    asked.push(engine);
    now = serve(state, answer.grant, engine === LIAR ? manners : HONEST, links.length, now);
  }
  return asked;
}

/** Runs a leg as its engine would, in virtual time; gives when it is over. */
function serve(
  state: RegionState,
  { ticket, heldTokens, engine }: Granted,
  { slow, keeps, says }: Manners,
  links: number,
  nowMs: number,
): number {
  const pool = state.pools.get("h200");
  if (pool === undefined) throw new TypeError("no such pool");
  const promptTokens = links * LINK_TOKENS;
  const live = pool.engines.find(({ id }) => id === engine)?.grants.get(ticket);
  const claimed = Math.round((live?.claim?.share ?? 0) * promptTokens);
  const cached = keeps ? Math.max(heldTokens, claimed) : 0;
  const firstAt = nowMs + slow * pool.speed.prefillMs(promptTokens, cached);
  const endAt = firstAt + slow * ANSWER_TOKENS * pool.speed.stepMs(1, promptTokens);
  firstToken(state, ticket, firstAt);
  const cachedShare = says === undefined ? undefined : (says * claimed) / promptTokens;
  const load = { running: 0, waiting: 0, kvUse: 0 };
  told(
    state,
    ticket,
    { load, atMs: endAt, ...(cachedShare !== undefined && { cachedShare }) },
    endAt,
  );
  done(state, ticket, endAt, ANSWER_TOKENS);
  return endAt + 1000;
}
