import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BlockLru } from "../../../src/core/block-lru.ts";
import { Knowers } from "../../../src/core/knowers.ts";
import { linkKeys } from "../../../src/core/link-keys.ts";
import { chainOf } from "./grant-fixtures.ts";

const CACHES = 4;
const CONVERSATIONS = 6;

describe("caches that share what they know of conversations", () => {
  it("each say what they would say alone, whatever happens to them", () => {
    const step = fc.record({
      what: fc.constantFrom("insert", "insert", "insert", "insert", "forget", "clear", "reset"),
      cache: fc.integer({ min: 0, max: CACHES - 1 }),
      conversation: fc.integer({ min: 0, max: CONVERSATIONS - 1 }),
      links: fc.integer({ min: 1, max: 5 }),
      tokens: fc.integer({ min: 0, max: 400 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const knowers = new Knowers();
        const shared = Array.from({ length: CACHES }, () => new BlockLru(knowers));
        const alone = Array.from({ length: CACHES }, () => new BlockLru());
        for (const [now, { what, cache, conversation, links, tokens }] of steps.entries()) {
          const { keys, linkTokens } = conversationOf(conversation, links);
          for (const lru of [shared[cache], alone[cache]]) {
            if (what === "insert") lru?.insert(keys, linkTokens, 1000, now);
            else if (what === "forget") lru?.forget(keys, linkTokens, tokens);
            else if (what === "clear") lru?.clear();
            else lru?.reset();
          }
          expect(shared.map(said)).toEqual(alone.map(said));
          expect(shared.map(known)).toEqual(shared.map(heldOrEvicted));
        }
      }),
    );
  });
});

/** All that a cache says of every conversation. */
function said(lru: BlockLru) {
  const ofEach = Array.from({ length: CONVERSATIONS }, (_, n) => {
    const { keys, linkTokens } = conversationOf(n, 5);
    return [lru.knows(keys), lru.heldTokens(keys, linkTokens), lru.usedAt(keys, linkTokens)];
  });
  return { tokens: lru.tokens, size: lru.size, evicted: [...lru.evicted], ofEach };
}

/** Conversations that a cache says it knows, and those it must. */
function known(lru: BlockLru): number[] {
  const firsts = Array.from({ length: CONVERSATIONS }, (_, n) => conversationOf(n, 1).keys);
  return firsts.filter((keys) => lru.knows(keys)).map(([first]) => first ?? NaN);
}

function heldOrEvicted(lru: BlockLru): number[] {
  const must = new Set(lru.evicted);
  lru.each(({ key, isFirst }) => isFirst && must.add(key));
  const firsts = Array.from({ length: CONVERSATIONS }, (_, n) => conversationOf(n, 1).keys[0]);
  return firsts.flatMap((first) => (first !== undefined && must.has(first) ? [first] : []));
}

function conversationOf(conversation: number, links: number) {
  const own = Array.from({ length: links }, (_, link) => 10 * (conversation + 1) + link);
  const { chain, linkTokens } = chainOf(own);
  return { keys: linkKeys(chain), linkTokens };
}
