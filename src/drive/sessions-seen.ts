/** Which sessions the receipts name, and for whom. */
export class SessionsSeen {
  readonly #sessions = new Set<string>();
  readonly #branches = new Set<string>();
  /** Of each conversation, the branch of its latest turn. */
  readonly #ends = new Map<string, { readonly turn: number; readonly id: string }>();

  /** `id` names a branch: a fork of a session is `ses_….N`. */
  saw(id: string, conversation: string, turn: number): void {
    if (id === "") return;
    this.#branches.add(id);
    this.#sessions.add(id.replace(/\.\d+$/, ""));
    const end = this.#ends.get(conversation);
    if (end === undefined || turn > end.turn) this.#ends.set(conversation, { turn, id });
  }

  counts(): SessionCounts {
    const ends = Map.groupBy(this.#ends.values(), ({ id }) => id);
    return {
      sessions: this.#sessions.size,
      session_branches: this.#branches.size,
      sessions_mixed: [...ends.values()].filter(({ length }) => length > 1).length,
    };
  }
}

export type SessionCounts = {
  /** Sessions the receipts name, forks of one counted as one. */
  readonly sessions: number;
  readonly session_branches: number;
  /** Branches in which more than one conversation ended: those that said the same so far are one until they part. */
  readonly sessions_mixed: number;
};
