import { DurableObject } from "cloudflare:workers";
import { speedsOf } from "../../src/core/plan/speeds.ts";
import type { RegionReserve, RegionReserveReply } from "../../src/rpc/region-messages.ts";
import { fleetOf } from "../edge/fleet.ts";
import { Region as PlainRegion, type RegionEnv } from "../edge/region.ts";
import { countStorage } from "./counted-storage.ts";
import type { StorageCounts } from "./counts.ts";
import { type Asked, cannedReply, REGION, RegionAsks } from "./region-asks.ts";

/** `/drive?target=…&perSecond=…&seconds=…` asks that many times a second and tells what came of it. */
export default {
  async fetch(request, env) {
    const given = new URL(request.url).searchParams;
    const target = given.get("target") as Target;
    const perSecond = Number(given.get("perSecond"));
    drives[target] ??= new Drive(env, target, given.get("pool") ?? "");
    return Response.json(await drives[target].run(perSecond, Number(given.get("seconds"))));
  },
} satisfies ExportedHandler<BenchEnv>;

export class Region extends PlainRegion {
  constructor(ctx: DurableObjectState, env: RegionEnv) {
    countStorage(ctx.storage, storage);
    super(ctx, env);
  }
}

/** An object that is sent the same messages and answers as much. */
export class Echo extends DurableObject {
  reserve(message: RegionReserve): RegionReserveReply {
    return cannedReply(message);
  }
}

/** `nobody`: messages are made and answers entered, and no object is called. */
export type Target = "nobody" | "echo" | "region";

/** What became of the asks of one drive. */
export type Driven = {
  readonly asks: number;
  readonly granted: number;
  /** Of those granted, the ones that had to wait in the queue first. */
  readonly queued: number;
  readonly refused: number;
  readonly rowsWritten: number;
  /** Means of the messages. */
  readonly tokens: number;
  readonly links: number;
  readonly events: number;
  /** Answers with a snapshot, as a share. */
  readonly snapshots: number;
};

type BenchEnv = RegionEnv & {
  readonly REGIONS: DurableObjectNamespace<Region>;
  readonly ECHOS: DurableObjectNamespace<Echo>;
};

// Driver and objects are one script in one isolate, so what objects count can be read here.
const storage: StorageCounts = { rowsWritten: 0, rowsRead: 0, bytes: 0 };
const drives: Partial<Record<Target, Drive>> = {};
const TICK_MS = 10;
const NAME = `${REGION}@1`;

class Drive {
  readonly #env: BenchEnv;
  readonly #target: Target;
  readonly #asks: RegionAsks;

  constructor(env: BenchEnv, target: Target, pool: string) {
    this.#env = env;
    this.#target = target;
    const speed = speedsOf(fleetOf(env.MESH)).get(pool);
    if (speed === undefined) throw new TypeError(`the mesh has no pool ${pool}`);
    this.#asks = new RegionAsks(pool, speed);
  }

  async run(perSecond: number, seconds: number): Promise<Driven> {
    const before = { ...this.#asks.sums, rows: storage.rowsWritten };
    const outcomes: Promise<"granted" | "queued" | "refused">[] = [];
    const startedAt = Date.now();
    for (let passedMs = 0; passedMs < seconds * 1000; passedMs = Date.now() - startedAt) {
      const due = Math.floor((passedMs / 1000) * perSecond);
      while (outcomes.length < due) outcomes.push(this.#one());
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    const ended = await Promise.all(outcomes);
    const count = (kind: string) => ended.filter((one) => one === kind).length;
    const { sums } = this.#asks;
    const asks = ended.length;
    return {
      asks,
      granted: count("granted") + count("queued"),
      queued: count("queued"),
      refused: count("refused"),
      rowsWritten: storage.rowsWritten - before.rows,
      tokens: (sums.tokens - before.tokens) / asks,
      links: (sums.links - before.links) / asks,
      events: (sums.events - before.events) / asks,
      snapshots: (sums.snapshots - before.snapshots) / asks,
    };
  }

  async #one(): Promise<"granted" | "queued" | "refused"> {
    const asked = this.#asks.next(Date.now());
    const reply = await this.#reserve(asked);
    if (!reply.ok) return "refused";
    let { answer } = reply;
    let kind: "granted" | "queued" = "granted";
    const { region, wanted } = asked.message;
    while (answer.kind === "queued") {
      kind = "queued";
      const { ticket } = answer;
      const claim = { v: 1, region, pool: wanted.pool, ticket } as const;
      const claimed = await this.#env.REGIONS.getByName(NAME).claim(claim);
      if (!claimed.ok) return "refused";
      answer = claimed.answer;
    }
    if (answer.kind === "refused") return "refused";
    this.#asks.granted(asked, answer.grant, Date.now());
    return kind;
  }

  #reserve({ message }: Asked): RegionReserveReply | Promise<RegionReserveReply> {
    if (this.#target === "nobody") return cannedReply(message);
    if (this.#target === "echo") return this.#env.ECHOS.getByName(NAME).reserve(message);
    return this.#env.REGIONS.getByName(NAME).reserve(message);
  }
}
