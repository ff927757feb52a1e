/** Messages between the edge and a `Once` object. Additive changes only; see DESIGN §2. */
export const ONCE_MESSAGES_VERSION = 1;

export type OnceAsk = {
  readonly v: 1;
  /** Hex SHA-256 of what was asked. */
  readonly fingerprint: string;
  /** Names the run that this would be. */
  readonly run: string;
  /** How long the answer may be held while another runs it, at most four seconds. */
  readonly waitMs: number;
};

export type OnceReply =
  /** Nobody else runs it: the asker does, and says how that ended. */
  | { readonly ok: true; readonly v: 1; readonly kind: "run" }
  /** Another does; told after a few seconds in which it did not end. */
  | { readonly ok: true; readonly v: 1; readonly kind: "running" }
  | { readonly ok: true; readonly v: 1; readonly kind: "other-request" }
  | { readonly ok: true; readonly v: 1; readonly kind: "too-large" }
  | ({ readonly ok: true; readonly v: 1; readonly kind: "answered" } & OnceKept)
  | { readonly ok: false; readonly v: 1; readonly code: "unknown_version" };

/** An answer as it was sent. */
export type OnceKept = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
};

export type OnceEnd = {
  readonly v: 1;
  readonly run: string;
  /** Absent where it came to nothing, so that it may be tried again. */
  readonly answer?: OnceKept | "too-large";
};

export type OnceDone = { readonly ok: true; readonly v: 1 };
