import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KvCursor } from "../../../../src/core/grant/kv-events.ts";
import { readKvEvents } from "../../../../src/engines/load/kv-events.ts";

type Told = { readonly id: number; readonly data: string; readonly more?: string };

/** Events as the server writes them: hashes are bare integers of 64 bits. */
const drained = (...events: readonly Told[]) =>
  `[${events.map(({ id, data, more = "" }) => `{"event_id": ${id}, "data": ${data}, "window_size": 4096${more}}`).join(", ")}]`;

const created = '{"type": "created", "num_blocks_per_cache_level": [8, 2]}';
const block = (hash: string, tokens: readonly number[] = [1, 2], level = 0) =>
  `{"type": "stored_block", "block_hash": ${hash}, "tokens": [${tokens
    .map((id) => `{"type": "unique_token", "token_id": ${id}, "token_extra_id": 0}`)
    .join(", ")}], "cache_level": ${level}, "priority": 35}`;
const stored = (parent: string, ...blocks: readonly string[]) =>
  `{"type": "stored", "parent_hash": ${parent}, "blocks": [${blocks.join(", ")}]}`;
const removed = (...hashes: readonly string[]) =>
  `{"type": "removed", "block_hashes": [${hashes.join(", ")}]}`;
const updated = (hash: string, level: number) =>
  `{"type": "updated", "block_hash": ${hash}, "cache_level": {"type": "event_diff", "new_value": ${level}, "old_value": 0}, "priority": null}`;

const at = (lastId: number): KvCursor[] => [{ rank: 0, lastId, windowTokens: 4096 }];
const one = (body: string, known: readonly KvCursor[] = []) => {
  const all = readKvEvents(body, known);
  expect(all).toHaveLength(1);
  return all[0];
};

describe("drained cache events", () => {
  it("tell which blocks were stored after which, with hashes digit for digit", () => {
    const body = drained(
      { id: 0, data: created },
      {
        id: 1,
        data: stored("null", block("12460730416951841444", [5, 6]), block("944812140882783", [7])),
      },
      { id: 2, data: stored("18446744073709551615", block("9007199254740993", [8])) },
    );
    expect(one(body)).toEqual({
      cursor: { rank: 0, lastId: 2, windowTokens: 4096 },
      gap: false,
      restarted: false,
      stored: [
        { hash: "12460730416951841444", parent: undefined, tokens: [5, 6], level: 0 },
        { hash: "944812140882783", parent: "12460730416951841444", tokens: [7], level: 0 },
        { hash: "9007199254740993", parent: "18446744073709551615", tokens: [8], level: 0 },
      ],
      removed: [],
      moved: [],
    });
  });

  it("tell what is left when all are applied", () => {
    const body = drained(
      { id: 6, data: stored("null", block("1"), block("2")) },
      { id: 7, data: removed("2", "3") },
      { id: 8, data: stored("1", block("3")) },
      { id: 9, data: updated("3", 1) },
      { id: 10, data: updated("4", 1) },
    );
    expect(one(body, at(5))).toMatchObject({
      gap: false,
      stored: [
        { hash: "1", level: 0 },
        { hash: "3", parent: "1", level: 1 },
      ],
      removed: ["2"],
      moved: [{ hash: "4", level: 1 }],
    });
  });

  it("come to the same cache as applied one by one, however they are drained", () => {
    const hash = fc.constantFrom("1", "2", "18446744073709551615");
    const data = fc.oneof(
      hash.map((name) => stored("null", block(name))),
      fc.uniqueArray(hash, { minLength: 1 }).map((names) => removed(...names)),
    );
    fc.assert(
      fc.property(fc.array(data), fc.nat(), (all, cut) => {
        const held = new Set<string>();
        const wanted = new Set<string>();
        const events = all.map((told, id) => ({ id, data: told }));
        for (const { data: told } of events) apply(told, wanted);
        const place = cut % (events.length + 1);
        let known: KvCursor[] = [];
        // What was drained before comes again in front of what is new.
        for (const body of [events.slice(0, place), events]) {
          for (const changes of readKvEvents(drained(...body), known)) {
            expect(changes.gap).toBe(false);
            known = [changes.cursor];
            for (const name of changes.removed) held.delete(name);
            for (const { hash: name } of changes.stored) held.add(name);
          }
        }
        expect([...held].toSorted()).toEqual([...wanted].toSorted());
      }),
    );
  });

  it("have a gap where an event is missing, at their beginning too", () => {
    expect(one(drained({ id: 8, data: removed("1") }), at(5))).toMatchObject({
      gap: true,
      removed: ["1"],
    });
    expect(one(drained({ id: 3, data: removed("1") }))).toMatchObject({
      gap: true,
      restarted: false,
    });
    const missing = drained({ id: 6, data: removed("1") }, { id: 8, data: removed("2") });
    expect(one(missing, at(5))).toMatchObject({
      gap: true,
      removed: ["1", "2"],
      cursor: { lastId: 8 },
    });
  });

  it("are passed over where they were read before", () => {
    const body = drained(
      { id: 5, data: removed("1") },
      { id: 6, data: removed("2") },
      { id: 6, data: removed("3") },
    );
    expect(one(body, at(5))).toMatchObject({ gap: false, removed: ["2"], cursor: { lastId: 6 } });
    expect(one(drained({ id: 5, data: removed("1") }), at(5))).toMatchObject({
      gap: false,
      removed: [],
    });
  });

  it("of a restarted engine begin anew, and what it held before is unknown", () => {
    const restarted = drained(
      { id: 0, data: created },
      { id: 1, data: stored("null", block("1")) },
    );
    expect(one(restarted, at(500))).toMatchObject({
      gap: true,
      restarted: true,
      stored: [{ hash: "1" }],
      cursor: { lastId: 1 },
    });
    const beyond = drained(
      { id: 0, data: created },
      ...[1, 2, 3].map((id) => ({ id, data: removed(String(id)) })),
    );
    expect(one(beyond, at(2))).toMatchObject({
      gap: true,
      restarted: true,
      removed: ["1", "2", "3"],
    });
    expect(one(drained({ id: 40, data: removed("1") }), at(500))).toMatchObject({
      gap: true,
      removed: ["1"],
      cursor: { lastId: 40 },
    });
  });

  it("are counted for each rank of its own", () => {
    const body = drained(
      { id: 6, data: removed("1"), more: ', "attention_dp_rank": 0' },
      { id: 2, data: removed("2"), more: ', "attention_dp_rank": 1' },
    );
    const known = [...at(5), { rank: 1, lastId: 0, windowTokens: 4096 }];
    expect(readKvEvents(body, known)).toMatchObject([
      { cursor: { rank: 0, lastId: 6 }, gap: false, removed: ["1"] },
      { cursor: { rank: 1, lastId: 2 }, gap: true, removed: ["2"] },
    ]);
  });

  it("of a narrower attention window count, but say nothing of whole prefixes", () => {
    const body = '[{"event_id":6,"window_size":512,"data":{"type":"removed","block_hashes":[1]}}]';
    expect(one(body, at(5))).toMatchObject({
      gap: false,
      removed: [],
      cursor: { lastId: 6, windowTokens: 4096 },
    });
  });

  it("have no tokens for a block that is not of text alone", () => {
    const image = block("1").replace('"token_extra_id": 0', '"token_extra_id": 578437695752307201');
    const [changes] = readKvEvents(drained({ id: 0, data: stored("null", image) }), []);
    expect(changes?.stored).toEqual([
      { hash: "1", parent: undefined, tokens: undefined, level: 0 },
    ]);
  });

  it("have a gap where a block cannot be read", () => {
    const body = drained({ id: 6, data: stored("null", block("1.5")) });
    expect(one(body, at(5))).toMatchObject({ gap: true, stored: [] });
  });

  it("are lost with a broken answer", () => {
    for (const body of [
      "",
      "[{",
      '{"error":"x"}',
      drained({ id: 6, data: removed("1") }).slice(0, -1),
    ]) {
      expect(readKvEvents(body, at(5))).toEqual([
        { cursor: at(5)[0], gap: true, restarted: false, stored: [], removed: [], moved: [] },
      ]);
    }
    expect(readKvEvents("[]", at(5))).toEqual([]);
  });
});

function apply(data: string, cache: Set<string>): void {
  const hashes = [...data.matchAll(/(?:"block_hash": |[[ ])(\d+)(?=[\],]|, "tokens")/g)];
  const isStored = data.includes('"stored"');
  for (const [, hash = ""] of isStored ? hashes.slice(0, 1) : hashes) {
    if (isStored) cache.add(hash);
    else cache.delete(hash);
  }
}
