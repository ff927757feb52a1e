/** A prefill leg is ended a moment after its client left: its answer, which names the blocks it holds, may be on its way. */
export function momentAfter(left: AbortSignal): AbortSignal {
  const end = new AbortController();
  const later = () => setTimeout(() => end.abort(), ON_ITS_WAY_MS);
  if (left.aborted) later();
  else left.addEventListener("abort", later, { once: true });
  return end.signal;
}

/** One way between an edge and a region, with time to spare. */
const ON_ITS_WAY_MS = 150;
