/** Resolves after so many milliseconds of the real clock. */
export function after(ms: number): Promise<"silence"> {
  return new Promise((resolve) => setTimeout(() => resolve("silence"), ms));
}
