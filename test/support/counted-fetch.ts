/** `fetch` that tells after each answer how often it was asked, and keeps when. */
export function countedFetch(afterTry: (tries: number) => Promise<void> = async () => {}): {
  readonly fetch: typeof fetch;
  /** When each try began, epoch ms. */
  readonly triedAt: readonly number[];
} {
  const triedAt: number[] = [];
  return {
    triedAt,
    fetch: async (...asked) => {
      triedAt.push(Date.now());
      const response = await fetch(...asked);
      await afterTry(triedAt.length);
      return response;
    },
  };
}
