import { type Random, seededRandom } from "../../src/core/random.ts";
import type { Speed } from "../../src/core/speed.ts";
import type {
  RegionEvent,
  RegionGrant,
  RegionReserve,
  RegionReserveReply,
} from "../../src/rpc/region-messages.ts";

/**
 * What a region is asked by agents at many isolates: conversations of about 12,000 tokens, a turn each ten seconds,
 * one in fourteen the first of a new one. Each isolate tells of first tokens and ends on its next reserve, and wants a
 * snapshot once a second.
 */
export class RegionAsks {
  readonly #pool: string;
  readonly #speed: Speed;
  /** When each engine will have computed the prompts it was given, epoch ms. */
  readonly #freeAt = new Map<string, number>();
  readonly #random: Random = seededRandom(17);
  readonly #sessions: Session[];
  readonly #isolates: Isolate[];
  #requests = 0;
  /** Of all messages so far. */
  readonly sums = { tokens: 0, links: 0, events: 0, snapshots: 0 };

  constructor(pool: string, speed: Speed) {
    this.#pool = pool;
    this.#speed = speed;
    this.#sessions = Array.from({ length: SESSIONS }, (_, n) => {
      const session = this.#session();
      // They have been here before, each at its engine.
      return { ...session, engine: `${pool}/${n % ENGINES}`, heldTokens: session.tokens };
    });
    this.#isolates = Array.from({ length: ISOLATES }, () => ({ snapshotAt: -Infinity, told: [] }));
  }

  next(nowMs: number): Asked {
    const at = Math.floor(this.#random() * SESSIONS);
    if (this.#random() < FIRST_TURNS) this.#sessions[at] = this.#session();
    const session = this.#sessions[at] as Session;
    this.#grow(session, NEW_TOKENS * (0.5 + this.#random()));
    const isolate = this.#isolates[this.#requests % ISOLATES] as Isolate;
    const due = isolate.told.filter((one) => one.at <= nowMs);
    isolate.told = isolate.told.filter((one) => one.at > nowMs);
    const snapshotAgeMs = nowMs - isolate.snapshotAt;
    if (snapshotAgeMs > 1000) isolate.snapshotAt = nowMs;
    const ticket = `t${this.#requests++}`;
    const links = session.linkTokens.length;
    this.sums.tokens += session.tokens;
    this.sums.links += links;
    this.sums.events += due.length;
    this.sums.snapshots += snapshotAgeMs > 1000 ? 1 : 0;
    const message: RegionReserve = {
      v: 1,
      region: REGION,
      wanted: {
        ticket,
        requestId: `req-${ticket}-6f0d9a4e`,
        leg: "both",
        pool: this.#pool,
        ask: {
          model: "large-70b",
          promptTokens: session.tokens,
          expectedOutputTokens: OUTPUT_TOKENS,
          bodyBytes: session.tokens * 4,
          splittable: true,
          remainingTurns: 5,
          tokensPerTurn: NEW_TOKENS,
        },
        chain: session.chain.slice(0, links * 8),
        linkTokens: Uint32Array.from(session.linkTokens),
        held: session.engine === "" ? {} : { [session.engine]: session.heldTokens },
        avoid: [],
        handedTokens: 0,
      },
      ...(session.engine !== "" && { heldAgesMs: { [session.engine]: nowMs - session.heldAt } }),
      standing: { tenant: `tenant-${at % 8}`, priority: 1, deadlineInMs: Infinity },
      snapshotAgeMs,
      reports: { events: due.map(({ event }) => event), renewed: [], running: [] },
    };
    return { message, session, isolate };
  }

  /** The leg runs as an engine would run it, and is told of when its isolate asks again. */
  granted({ session, isolate }: Asked, grant: RegionGrant, nowMs: number): void {
    const { ticket, engine, heldTokens } = grant;
    const startAt = Math.max(nowMs, this.#freeAt.get(engine) ?? 0);
    const firstAt = startAt + this.#speed.prefillMs(session.tokens, heldTokens);
    this.#freeAt.set(engine, firstAt);
    const firstMs = firstAt - nowMs;
    const wholeMs = firstMs + OUTPUT_TOKENS * this.#speed.stepMs(BATCH, BATCH * session.tokens);
    const told = { ticket, pool: this.#pool };
    isolate.told.push(
      { at: nowMs + firstMs, event: { ...told, event: "first-token", afterMs: firstMs } },
      {
        at: nowMs + wholeMs,
        event: { ...told, event: "done", afterMs: wholeMs, outputTokens: OUTPUT_TOKENS },
      },
    );
    session.engine = engine;
    session.heldTokens = session.tokens;
    session.heldAt = nowMs + wholeMs;
  }

  #session(): Session {
    const session: Session = {
      chain: new Uint8Array(MOST_LINKS * 8),
      linkTokens: [],
      tokens: 0,
      engine: "",
      heldTokens: 0,
      heldAt: 0,
    };
    this.#grow(session, 5000 + 10_000 * this.#random());
    return session;
  }

  #grow(session: Session, tokens: number): void {
    for (let left = Math.round(tokens); left > 0 && session.linkTokens.length < MOST_LINKS;) {
      const own = Math.min(left, LINK_TOKENS);
      left -= own;
      session.tokens += own;
      const at = session.linkTokens.length * 8;
      for (let byte = 0; byte < 8; byte++) session.chain[at + byte] = this.#random() * 256;
      session.linkTokens.push(session.tokens);
    }
  }
}

/** A message, and where what comes of it is kept. */
export type Asked = {
  readonly message: RegionReserve;
  readonly session: Session;
  readonly isolate: Isolate;
};

type Session = {
  readonly chain: Uint8Array;
  readonly linkTokens: number[];
  tokens: number;
  engine: string;
  heldTokens: number;
  heldAt: number;
};

type Isolate = {
  snapshotAt: number;
  told: { readonly at: number; readonly event: RegionEvent }[];
};

/** What a region would answer that thinks of nothing: as large, and with an engine in turn. */
export function cannedReply({ wanted, snapshotAgeMs }: RegionReserve): RegionReserveReply {
  const { ticket = "", pool } = wanted;
  const engine = `${pool}/${Number(ticket.slice(1)) % ENGINES}`;
  const reason = "least work, holds 11264 tokens, 37 ms ahead, one of 3 near-ties";
  const given = { heldTokens: 11_264, prefillMs: 80, stepMs: 25.5, startInMs: 37, reason };
  return {
    ok: true,
    v: 1,
    answer: { kind: "granted", grant: { ticket, engine, pool, ...given } },
    tookMs: 0,
    memory: "00000000-0000-4000-8000-000000000000",
    ...(snapshotAgeMs > 1000 && { snapshot: { engines: SNAPSHOT } }),
  };
}

export const REGION = "metro0";
/** Engines of the pool that is asked for. */
export const ENGINES = 64;
const SESSIONS = 3000;
const ISOLATES = 20;
const FIRST_TURNS = 0.07;
const NEW_TOKENS = 500;
const OUTPUT_TOKENS = 120;
/** Requests that decode beside one another. */
const BATCH = 14;
/** Links close at message ends and every 2 KB. */
const LINK_TOKENS = 450;
const MOST_LINKS = 250;

const SNAPSHOT = Array.from({ length: ENGINES }, (_, n) => ({
  engine: `large-alone-0/${n}`,
  queueMs: 37.25,
  batch: 14,
  batchTokens: 168_000,
  kvFreeTokens: 900_000.5,
  prefillFactor: 1.04,
  decodeFactor: 0.98,
  healthy: true,
  overworkMs: 0,
}));
