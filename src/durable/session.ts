import { DurableObject } from "cloudflare:workers";
import { forkSession } from "../core/session/fork.ts";
import { openTurn } from "../core/session/open.ts";
import { settleTurn } from "../core/session/settle.ts";
import { emptySession, type SessionState } from "../core/session/state.ts";
import { storeKv, storedIn } from "../core/session/stored.ts";
import type {
  AnswersReply,
  EraseReply,
  KeepKvReply,
  ForkReply,
  OpenReply,
  ReadKvReply,
  RecallReply,
  SessionCalls,
  SettleReply,
  StoreReply,
  ViewReply,
} from "../rpc/objects.ts";
import {
  SESSION_MESSAGES_VERSION,
  type KeepKvAsk,
  type ConverseAsk,
  type OpenAsk,
  type RecallAnswer,
  type RecallAsk,
  type SettleAsk,
  type StoreAsk,
} from "../rpc/session-messages.ts";
import type { StoredItems } from "../core/stored-response.ts";
import { Conversation } from "./conversation.ts";
import { IttyRecord } from "./itty-record.ts";
import { keepOnly, partsOf, readParts, writeParts } from "./kv-rows.ts";
import { migrate, parseSchema, sessionMigrations } from "./migrations.ts";
import { Responses } from "./responses.ts";
import { maxTurnsOf, type SessionEnv, ttlMsOf } from "./session-env.ts";
import { parseSnapshot } from "./session-snapshot.ts";
import { viewOf } from "./session-view.ts";
import { Turns } from "./turns.ts";

/** One agent's session. Writes nothing until its first turn is settled. */
export class Session extends DurableObject<SessionEnv> implements SessionCalls {
  readonly #record: IttyRecord;
  readonly #responses: Responses;
  readonly #conversation: Conversation;
  readonly #turns: Turns;
  readonly #ttlMs: number;
  #state: SessionState = emptySession;
  #schema = 0;
  #hasAlarm = false;
  #openedAt = 0;

  constructor(ctx: DurableObjectState, env: SessionEnv) {
    super(ctx, env);
    this.#ttlMs = ttlMsOf(env);
    this.#turns = new Turns(ctx.storage.sql, maxTurnsOf(env));
    this.#record = new IttyRecord(ctx);
    this.#responses = new Responses(ctx.storage.sql);
    this.#conversation = new Conversation(ctx.storage.sql);
    void ctx.blockConcurrencyWhile(async () => {
      await this.#record.loadFromStorage();
      this.#state = parseSnapshot(this.#record.snapshot);
      this.#schema = parseSchema(this.#record.schema);
      if (this.#schema > 0) this.#migrate();
      this.#hasAlarm = (await ctx.storage.getAlarm()) !== null;
    });
  }

  open(ask: OpenAsk): OpenReply {
    if (!isKnown(ask)) return { ok: true, ...openTurn(emptySession, noOpening) };
    if (!this.#serves(ask.tenant)) return notFound;
    this.#openedAt = Date.now();
    return { ok: true, ...openTurn(this.#state, ask) };
  }

  async settle(ask: SettleAsk): Promise<SettleReply> {
    if (!isKnown(ask)) return { ok: true, v: 1, turn: 0, branch: 0 };
    if (!this.#serves(ask.tenant)) return notFound;
    // A turn that ran while its session was erased does not bring it back.
    if (ask.existed === true && this.#state.tenant === "")
      return { ok: true, v: 1, turn: 0, branch: 0 };
    const settled = settleTurn(this.#state, ask);
    if (settled.state !== this.#state) await this.#keep(settled.state, settled.answer.turn, ask);
    return { ok: true, ...settled.answer };
  }

  view(tenant: string, id: string): ViewReply {
    if (!this.#owns(tenant)) return notFound;
    const { turns } = this.#state.stats;
    const newest = this.#schema > 0 ? this.#turns.newest(turns, recentTurns) : [];
    return { ok: true, v: 1, view: viewOf(this.#state, id, this.#idleAt(), newest) };
  }

  fork(tenant: string, branch?: number): ForkReply {
    if (!this.#owns(tenant)) return notFound;
    const state = forkSession(this.#state, Date.now(), branch);
    return state === undefined ? notFound : { ok: true, v: 1, state };
  }

  async begin(state: SessionState): Promise<EraseReply> {
    if (this.#state.tenant !== "") return notFound;
    this.#migrate();
    this.#state = state;
    this.#record.snapshot = state;
    await Promise.all([this.#record.persist(), this.#arm(Date.now() + this.#ttlMs)]);
    return { ok: true, v: 1 };
  }

  answers(tenant: string): AnswersReply {
    if (!this.#owns(tenant)) return notFound;
    return { ok: true, v: 1, onces: this.#schema > 0 ? this.#turns.onces() : [] };
  }

  async keepKv(ask: KeepKvAsk, body?: ReadableStream<Uint8Array>): Promise<KeepKvReply> {
    const parts = body === undefined ? [] : await readParts(body).catch(() => "cut" as const);
    if (parts === "cut") return { ok: false, v: 1, code: "cut" };
    if (parts === undefined) return { ok: false, v: 1, code: "too_large" };
    // Asked only now: the session may have been erased while its bytes came.
    if (!isKnown(ask) || !this.#owns(ask.tenant)) return notFound;
    const bytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
    const kv = body === undefined ? ask.kv : { ...ask.kv, bytes };
    const next = storeKv(this.#state, ask.branch, kv);
    if (next === undefined) return { ok: false, v: 1, code: "stale" };
    this.#migrate();
    if (parts.length > 0) writeParts(this.ctx.storage.sql, kv.id, parts);
    await this.#put(next);
    return { ok: true, v: 1 };
  }

  readKv(tenant: string, id: string): ReadKvReply {
    const isKept = this.#owns(tenant) && storedIn(this.#state).some((kv) => kv.id === id);
    const body = isKept ? partsOf(this.ctx.storage.sql, id) : undefined;
    return body === undefined ? notFound : { ok: true, v: 1, body };
  }

  async erase(tenant: string): Promise<EraseReply> {
    if (!this.#owns(tenant)) return notFound;
    await this.#eraseAll();
    return { ok: true, v: 1 };
  }

  async store(ask: StoreAsk): Promise<StoreReply> {
    if (!isKnown(ask) || !this.#serves(ask.tenant)) return notFound;
    if (ask.conversation === true) {
      const head = this.#conversation.head();
      // A call that is repeated finds itself there.
      const previous = head === ask.number ? this.#responses.previousOf(head) : head;
      this.#responses.write({ ...ask, ...(previous !== undefined && { previous }) });
      this.#conversation.moveTo(ask.number);
    } else {
      this.#responses.write(ask);
    }
    await this.#begin(ask.tenant, ask.model);
    return { ok: true, v: 1 };
  }

  async converse({ v, tenant, facts }: ConverseAsk): Promise<StoreReply> {
    if (!isKnown({ v }) || !this.#serves(tenant)) return notFound;
    if (facts !== "end") this.#conversation.note(facts);
    else if (this.#conversation.facts() === undefined) return notFound;
    else this.#conversation.end();
    await this.#begin(tenant, "");
    return { ok: true, v: 1 };
  }

  recall(ask: RecallAsk): RecallReply {
    if (!isKnown(ask) || !this.#owns(ask.tenant)) return notFound;
    const { numbers } = ask;
    const found = numbers.flatMap((number) => {
      const stored = this.#responses.read(number);
      return stored === undefined ? [] : [[number, stored] as const];
    });
    return { ok: true, v: 1, ...this.#chainOf(ask), found: new Map(found) };
  }

  replace(tenant: string, number: number, items: StoredItems): EraseReply {
    if (!this.#owns(tenant)) return notFound;
    return this.#responses.replace(number, items) ? { ok: true, v: 1 } : notFound;
  }

  forget(tenant: string, number: number): EraseReply {
    if (!this.#owns(tenant)) return notFound;
    const head = this.#conversation.head();
    if (head !== undefined) {
      const previous = this.#responses.unlink(number);
      if (head === number) this.#conversation.moveTo(previous);
    }
    return this.#responses.remove(number) ? { ok: true, v: 1 } : notFound;
  }

  override async alarm(): Promise<void> {
    this.#hasAlarm = false;
    const idleAt = this.#idleAt();
    if (idleAt <= Date.now()) await this.#eraseAll();
    else await this.#arm(idleAt);
  }

  /** All writes are issued before the first await, so that they are kept or lost together. */
  async #keep(state: SessionState, turn: number, ask: SettleAsk): Promise<void> {
    this.#migrate();
    // A lost snapshot starts counting again: its turns are not this session's.
    if (this.#state.stats.turns === 0) this.#turns.clear();
    this.#turns.write(turn, ask);
    const armed = this.#hasAlarm ? undefined : this.#arm(Date.now() + this.#ttlMs);
    await Promise.all([this.#put(state), armed]);
  }

  /** Takes over a state of the session, and lets go of what it does not keep outside of engines any more. */
  async #put(state: SessionState): Promise<void> {
    const before = storedIn(this.#state);
    const kept = storedIn(state);
    const gone = before.filter(({ id }) => !kept.some((kv) => kv.id === id));
    if (gone.some(({ tier }) => tier === "edge")) {
      keepOnly(
        this.ctx.storage.sql,
        kept.map(({ id }) => id),
      );
    }
    const keys = gone.flatMap(({ key }) => key ?? []);
    // Not waited for, and tried again when the session ends, which knows them until then.
    if (keys.length > 0) this.ctx.waitUntil(this.#deleteBlobs(keys).catch(() => {}));
    this.#state = state;
    this.#record.snapshot = state;
    await this.#record.persist();
  }

  async #deleteBlobs(keys: readonly string[]): Promise<void> {
    await this.env.KV_BLOBS?.delete([...keys]);
  }

  #chainOf({ chainOf, conversation }: RecallAsk): Pick<RecallAnswer, "chain" | "conversation"> {
    const facts = conversation === true ? this.#conversation.facts() : undefined;
    if (facts === undefined) {
      return { chain: chainOf === undefined ? [] : this.#responses.chain(chainOf) };
    }
    const head = this.#conversation.head();
    const chain = head === undefined ? [] : this.#responses.chain(head, "rest");
    return { chain, conversation: facts };
  }

  /** Makes the session its tenant's where no turn has. */
  async #begin(tenant: string, model: string): Promise<void> {
    if (this.#state.tenant !== "") return;
    this.#state = { ...emptySession, tenant, model };
    this.#record.snapshot = this.#state;
    this.#openedAt = Date.now();
    const armed = this.#hasAlarm ? undefined : this.#arm(Date.now() + this.#ttlMs);
    await Promise.all([this.#record.persist(), armed]);
  }

  #idleAt(): number {
    return Math.max(this.#state.stats.lastAt, this.#openedAt) + this.#ttlMs;
  }

  #migrate(): void {
    this.#schema = migrate(this.ctx.storage.sql, sessionMigrations, this.#schema);
    this.#record.schema = this.#schema;
  }

  #arm(at: number): Promise<void> {
    this.#hasAlarm = true;
    return this.ctx.storage.setAlarm(at);
  }

  async #eraseAll(): Promise<void> {
    const { blobs = [] } = this.#state;
    // First, as nobody would know of them afterwards: where it fails, the caller or the alarm comes again.
    if (blobs.length > 0) await this.#deleteBlobs(blobs);
    this.#state = emptySession;
    this.#record.snapshot = undefined;
    this.#schema = 0;
    this.#responses.forget();
    this.#conversation.forget();
    this.#hasAlarm = false;
    await Promise.all([this.ctx.storage.deleteAlarm(), this.ctx.storage.deleteAll()]);
  }

  #serves(tenant: string): boolean {
    return this.#state.tenant === "" || this.#owns(tenant);
  }

  #owns(tenant: string): boolean {
    return this.#state.tenant !== "" && this.#state.tenant === tenant;
  }
}

const recentTurns = 20;
const notFound = { ok: false, v: 1, code: "not_found" } as const;
const noOpening = { model: "", chain: new Uint8Array(0), answers: [] };

function isKnown(message: { readonly v: number }): boolean {
  return message.v === SESSION_MESSAGES_VERSION;
}
