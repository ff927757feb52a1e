/** The mesh's time: epoch ms, and waiting by it. A local mesh may run faster than the world. */
export type Clock = { readonly now: () => number; readonly wait: (ms: number) => Promise<void> };
