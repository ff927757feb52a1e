/**
 * Dollars of Cloudflare's paid plan, beyond what it includes. From developers.cloudflare.com: workers/platform/pricing
 * (Workers Standard) and durable-objects/platform/pricing (SQLite storage).
 */
export const PRICES = {
  perWorkerRequest: 0.3 / 1e6,
  perCpuMs: 0.02 / 1e6,
  perObjectRequest: 0.15 / 1e6,
  /** Of 128 MB, which every object is billed for. */
  perObjectSecond: (12.5 / 1e6) * 0.128,
  perRowWritten: 1 / 1e6,
  perRowRead: 0.001 / 1e6,
  perGbMonth: 0.2,
} as const;

/** What cannot be measured on one machine, and is assumed. */
export const ASSUMED = {
  /** An object is billed from a call's arrival to its answer, which for a write is when other places have it, s. */
  objectSecondsPerCall: 0.005,
  /** Sessions are forgotten after a day, receipts after thirty, months. */
  sessionMonths: 1 / 30,
  receiptMonths: 1,
} as const;
