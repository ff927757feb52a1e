import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Session } from "../../src/durable/session.ts";
import { createObjects } from "../../src/rpc/objects.ts";
import { Session as LimitedSession } from "../../workers/local/objects.ts";
import { limitRows, ROW_BYTES } from "../../workers/local/row-limit.ts";
import { chainOf, holding, openAsk, settleAsk } from "./asks.ts";

const objects = createObjects(env, { hint: "weur", jurisdiction: "eu" });
const hourMs = 3_600_000;

describe("a session", () => {
  it("remembers who holds the conversation", async () => {
    const { session } = fresh();
    expect(await session.open(openAsk())).toMatchObject({ ok: true, branch: 0, holdings: [] });
    await session.settle(settleAsk({ holdings: [holding("h/0", 2)] }));
    const next = await session.open(openAsk({ chain: chainOf("abcd"), answers: ["a1"] }));
    expect(next).toMatchObject({
      ok: true,
      v: 1,
      branch: 0,
      turns: 1,
      holdings: [{ engine: "h/0", links: 2, tokens: 200 }],
      stats: { turns: 1, promptTokens: 1000, cachedTokens: 100, outputTokens: 50 },
    });
  });

  it("loses nothing when it is evicted between two turns", async () => {
    const { name, session } = fresh();
    await session.settle(settleAsk({ holdings: [holding("h/0", 2)], receipt: "rcpt_1" }));
    const before = await session.open(openAsk({ chain: chainOf("abc") }));
    await evictDurableObject(stubOf(name));
    expect(await session.open(openAsk({ chain: chainOf("abc") }))).toEqual(before);
    await session.settle(settleAsk({ chain: chainOf("abc"), receipt: "rcpt_2" }));
    await evictDurableObject(stubOf(name));
    const view = await session.view("acme", "sess_1");
    expect(view).toMatchObject({
      view: {
        object: "session",
        id: "sess_1",
        branches: [{ branch: 0, turns: 2, links: 3 }],
        recentTurns: [
          { n: 2, receipt: "rcpt_2" },
          { n: 1, receipt: "rcpt_1" },
        ],
      },
    });
  });

  it("keeps two agents two when they opened the same turn at once", async () => {
    const { session } = fresh();
    await session.settle(settleAsk({ chain: chainOf("a"), holdings: [holding("h/0", 1)] }));
    const [one, other] = await Promise.all([
      session.open(openAsk({ chain: chainOf("abx"), answers: ["a1"] })),
      session.open(openAsk({ chain: chainOf("aby"), answers: ["a1"] })),
    ]);
    expect([one, other]).toMatchObject([{ branch: 0 }, { branch: 0 }]);
    const first = await session.settle(
      settleAsk({ chain: chainOf("abx"), answers: ["a1"], answer: "x2" }),
    );
    const second = await session.settle(
      settleAsk({ chain: chainOf("aby"), answers: ["a1"], answer: "y2" }),
    );
    expect([first, second]).toMatchObject([{ branch: 0 }, { branch: 1 }]);
    expect(
      await session.open(openAsk({ chain: chainOf("abyz"), answers: ["a1", "y2"] })),
    ).toMatchObject({ branch: 1, holdings: [{ engine: "h/0", links: 1 }] });
  });

  it("settles a turn once however often it is told", async () => {
    const { name, session } = fresh();
    const ask = settleAsk();
    const answer = await session.settle(ask);
    expect(await session.settle(ask)).toEqual(answer);
    await evictDurableObject(stubOf(name));
    expect(await session.settle(ask)).toEqual(answer);
    expect(await session.open(openAsk())).toMatchObject({ stats: { turns: 1 } });
  });

  it("is not there for another tenant", async () => {
    const { session } = fresh();
    await session.settle(settleAsk());
    const notFound = { ok: false, v: 1, code: "not_found" };
    expect(await session.open(openAsk({ tenant: "eve" }))).toEqual(notFound);
    expect(await session.settle(settleAsk({ tenant: "eve" }))).toEqual(notFound);
    expect(await session.view("eve", "sess_1")).toEqual(notFound);
    expect(await session.erase("eve")).toEqual(notFound);
    expect(await session.open(openAsk())).toMatchObject({ ok: true, stats: { turns: 1 } });
  });

  it("answers messages of a version it does not know as a lost object would", async () => {
    const { session } = fresh();
    await session.settle(settleAsk({ holdings: [holding("h/0", 2)] }));
    const later = { ...openAsk(), v: 2 as unknown as 1 };
    expect(await session.open(later)).toMatchObject({ ok: true, branch: 0, holdings: [] });
    expect(await session.settle({ ...settleAsk(), v: 2 as unknown as 1 })).toMatchObject({
      ok: true,
      turn: 0,
    });
    expect(await session.open(openAsk())).toMatchObject({ stats: { turns: 1 } });
  });

  it("is gone once erased, and can begin again", async () => {
    const { name, session } = fresh();
    await session.settle(settleAsk());
    expect(await session.erase("acme")).toEqual({ ok: true, v: 1 });
    expect(await storedKeys(name)).toEqual({ keys: 0, tables: [] });
    expect(await session.view("acme", "sess_1")).toMatchObject({ ok: false });
    expect(await session.settle(settleAsk({ tenant: "other" }))).toMatchObject({ turn: 1 });
  });

  it("begins empty when its snapshot cannot be read", async () => {
    const { name, session } = fresh();
    await session.settle(settleAsk());
    await runInDurableObject(stubOf(name), (_, state) =>
      state.storage.put("data", { snapshot: { version: 99 } }),
    );
    await evictDurableObject(stubOf(name));
    expect(await session.open(openAsk())).toMatchObject({ ok: true, stats: { turns: 0 } });
    expect(await session.settle(settleAsk())).toMatchObject({ ok: true, turn: 1 });
  });
});

describe("a session's storage", () => {
  it("stays empty while turns are only opened", async () => {
    const { name, session } = fresh();
    await session.open(openAsk());
    expect(await storedKeys(name)).toEqual({ keys: 0, tables: [] });
  });

  it("takes two rows per later turn and five for the first", async () => {
    const { name } = fresh();
    expect(await rowsWritten(name, settleAsk())).toBe(5);
    expect(await rowsWritten(name, settleAsk({ chain: chainOf("abc") }))).toBe(2);
    expect(await rowsWritten(name, settleAsk({ chain: chainOf("abcd") }))).toBe(2);
  });

  it("stays within the rows of a deployed object however long the conversation, its handles and its branches", async () => {
    const { name } = fresh();
    const view = await runInDurableObject(stubOf(name), async (_, state) => {
      const session = new LimitedSession(state, env);
      for (let n = 0; n < 12; n += 1) {
        const chain = new Uint8Array(8 * 5000).map(() => Math.floor(Math.random() * 256));
        const holdings = Array.from({ length: 8 }, (_, at) => holding(`h/${at}`, 5000));
        const kept = { engine: "h/0", raw: "x".repeat(31_000), tokens: 1, until: Date.now() };
        await session.settle(settleAsk({ chain, holdings, kept, now: Date.now() + n }));
      }
      return session.view("acme", "sess_1");
    });
    expect(view).toMatchObject({ ok: true, view: { stats: { turns: 12 }, branches: [{}] } });
  });

  it("lists as many turns as it is told to, in rows that are used again", async () => {
    const { name } = fresh();
    const [view, rows] = await runInDurableObject(stubOf(name), async (_, state) => {
      const session = new LimitedSession(state, { ...env, SESSION_MAX_TURNS: "3" });
      for (let n = 1; n <= 5; n += 1) await session.settle(settleAsk({ receipt: `rct_${n}` }));
      const count = state.storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM turns").one();
      return [await session.view("acme", "sess_1"), count.n] as const;
    });
    expect(rows).toBe(3);
    expect(view).toMatchObject({
      view: {
        stats: { turns: 5 },
        recentTurns: [{ n: 5, receipt: "rct_5" }, { n: 4 }, { n: 3, receipt: "rct_3" }],
      },
    });
  });

  it("expires when the session has been idle", async () => {
    const { name, session } = fresh();
    await session.settle(settleAsk({ now: Date.now() - 2 * hourMs }));
    expect(await runDurableObjectAlarm(stubOf(name))).toBe(true);
    expect(await storedKeys(name)).toEqual({ keys: 0, tables: [] });
    expect(await runDurableObjectAlarm(stubOf(name))).toBe(false);
  });

  it("stays, and is looked at again later, when the session was used since", async () => {
    const { name, session } = fresh();
    const now = Date.now();
    await session.settle(settleAsk({ now }));
    await evictDurableObject(stubOf(name));
    expect(await runDurableObjectAlarm(stubOf(name))).toBe(true);
    const alarm = await runInDurableObject(stubOf(name), (_, state) => state.storage.getAlarm());
    expect(alarm).toBe(now + hourMs);
    expect(await session.open(openAsk())).toMatchObject({ stats: { turns: 1 } });
  });
});

function fresh() {
  const name = crypto.randomUUID();
  return { name, session: objects.session(name) };
}

function stubOf(name: string): DurableObjectStub<Session> {
  return env.SESSIONS.get(env.SESSIONS.idFromName(name));
}

function storedKeys(name: string) {
  return runInDurableObject(stubOf(name), async (_, state) => ({
    keys: (await state.storage.list()).size,
    tables: state.storage.sql
      .exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'")
      .toArray(),
  }));
}

/** Rows as they are billed: those SQL reports, one per key put, one per alarm set. */
function rowsWritten(name: string, ask: Parameters<Session["settle"]>[0]): Promise<number> {
  return runInDurableObject(stubOf(name), async (instance, { storage }) => {
    let rows = 0;
    const { exec } = storage.sql;
    const put = storage.put;
    const kvPut = storage.kv.put;
    const setAlarm = storage.setAlarm;
    const counted = <Args extends unknown[], Answer>(
      owner: object,
      call: (...args: Args) => Answer,
    ) =>
      function count(...args: Args): Answer {
        rows += 1;
        return call.apply(owner, args);
      };
    Object.defineProperties(storage, {
      put: { configurable: true, value: counted(storage, put as () => unknown) },
      setAlarm: { configurable: true, value: counted(storage, setAlarm as () => unknown) },
    });
    Object.defineProperty(storage.kv, "put", {
      configurable: true,
      value: counted(storage.kv, kvPut as () => unknown),
    });
    Object.defineProperty(storage.sql, "exec", {
      configurable: true,
      value: (query: string, ...bindings: unknown[]) => {
        const cursor = exec.call(storage.sql, query, ...bindings);
        rows += cursor.rowsWritten;
        return cursor;
      },
    });
    try {
      await instance.settle(ask);
      return rows;
    } finally {
      for (const name of ["put", "setAlarm"]) Reflect.deleteProperty(storage, name);
      Reflect.deleteProperty(storage.kv, "put");
      Reflect.deleteProperty(storage.sql, "exec");
    }
  });
}

describe("the storage of a local mesh", () => {
  it("refuses rows that a deployed object could not have", async () => {
    const { name } = fresh();
    const said = await runInDurableObject(stubOf(name), (_, { storage }) => {
      limitRows(storage);
      storage.sql.exec("CREATE TABLE big (body BLOB)");
      const insert = (bytes: number) => () =>
        storage.sql.exec("INSERT INTO big (body) VALUES (?)", new Uint8Array(bytes).buffer);
      const put = (bytes: number) => () => storage.kv.put("k", { text: "x".repeat(bytes) });
      const tries = [insert(ROW_BYTES), insert(ROW_BYTES + 1), put(1_900_000), put(ROW_BYTES)];
      return tries.map((attempt) => {
        try {
          attempt();
          return "kept";
        } catch (error) {
          return String(error);
        }
      });
    });
    const refused = expect.stringContaining("SQLITE_TOOBIG");
    expect(said).toEqual(["kept", refused, "kept", refused]);
  });
});
