/**
 * Which messages each request of a hashed session is made of.
 *
 * A request continues the earlier one with which it shares the most blocks. If it holds all of that one's blocks,
 * it is that one's messages, the answer it got (in place of the recorded output tokens), and what is new as one user
 * message. If the history was rewritten, messages wholly inside the common prefix stay, with their answers, and the
 * rest of the request is one user message. Positions count recorded tokens, so prompt lengths come out as recorded
 * when answers are as long as recorded; no user message is shorter than 16 tokens.
 */
export function planPieces(
  requests: readonly HashedRequest[],
  blockSize: number,
  systemTokens: number,
): Piece[][] {
  const plans: Piece[][] = [];
  for (const [turn, request] of requests.entries()) {
    const parent = closest(requests, turn);
    const old = parent ? (plans[parent.turn] ?? []) : [];
    const whole =
      parent !== undefined && parent.blocks === (requests[parent.turn]?.ids.length ?? 0);
    const shared = (parent?.blocks ?? 0) * blockSize;
    const keptCount = whole ? old.length : old.filter((piece) => piece.to <= shared).length;
    const kept = old.slice(0, keptCount);
    const last = kept.at(-1);
    if (whole && last && parent) kept[keptCount - 1] = { ...last, answer: parent.turn };
    const from =
      whole && last && parent
        ? last.to + (requests[parent.turn]?.outTokens ?? 0)
        : (old[keptCount]?.from ?? 0);
    plans.push([
      ...kept,
      ...fresh(
        turn,
        keptCount === 0 ? 0 : from,
        request.inTokens,
        keptCount === 0 ? systemTokens : 0,
      ),
    ]);
  }
  return plans;
}

export type HashedRequest = {
  readonly ids: readonly (number | string)[];
  readonly inTokens: number;
  readonly outTokens: number;
};

/** One message: tokens `[from, to)` of request `turn`, and the turn whose answer stands after it. */
export type Piece = {
  readonly role: "system" | "user";
  readonly turn: number;
  readonly from: number;
  readonly to: number;
  readonly answer?: number;
};

const LEAST_TOKENS = 16;

function fresh(turn: number, from: number, to: number, systemTokens: number): Piece[] {
  if (systemTokens === 0 || systemTokens + LEAST_TOKENS > to) {
    return [{ role: "user", turn, from, to: Math.max(to, from + LEAST_TOKENS) }];
  }
  return [
    { role: "system", turn, from: 0, to: systemTokens },
    { role: "user", turn, from: systemTokens, to },
  ];
}

function closest(
  requests: readonly HashedRequest[],
  turn: number,
): { turn: number; blocks: number } | undefined {
  const ids = requests[turn]?.ids ?? [];
  let best: { turn: number; blocks: number } | undefined;
  for (let earlier = turn - 1; earlier >= 0; earlier -= 1) {
    const theirs = requests[earlier]?.ids ?? [];
    let blocks = 0;
    while (blocks < theirs.length && blocks < ids.length && theirs[blocks] === ids[blocks])
      blocks += 1;
    if (blocks > (best?.blocks ?? 0)) best = { turn: earlier, blocks };
    if (best?.blocks === ids.length) break;
  }
  return best;
}
