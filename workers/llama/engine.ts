/** What the engine's parts say to each other: `sequences.ts` implements `States`, `kv/` implements `KvTransfer`. */

/** A file with the KV state of one sequence, and the tokens that it holds, in order. */
export type StateFile = {
  readonly path: string;
  readonly tokens: readonly number[];
  readonly bytes: number;
};

/** What the transfer of KV state needs of the engine. */
export interface States {
  /** Of the model (metadata and samples of its weights), the build of llama.cpp, and the types and sequences of the KV cache. */
  readonly fingerprint: string;

  /** How many of `prompt`'s first tokens are cached here under `salt`, in an idle or a busy sequence. */
  cachedTokens(prompt: readonly number[], salt: string): number;

  /**
   * Writes the state of the sequence that holds the longest prefix of `prompt` under `salt` to `path`.
   * The file may hold more tokens than the prefix; undefined when no token is cached. Rejects when writing fails.
   */
  saveLongest(
    prompt: readonly number[],
    salt: string,
    path: string,
  ): Promise<StateFile | undefined>;
}

/** A sequence in the hands of a request that has ended and has not yet freed it. */
export interface HeldSequence {
  readonly tokens: readonly number[];
  /** Writes the whole state to `path`; rejects when writing fails. */
  save(path: string): Promise<StateFile>;
}

/** What a handle is given out as, and what `fetch` takes. */
export type Handle = {
  readonly handle: string;
  readonly from: string;
  readonly tokens: number;
  readonly bytes: number;
  readonly model: string;
  readonly lease_ms: number;
};

/** A request's `kv_transfer_params`, read. */
export type KvAsk = {
  readonly leave?: true | "prompt";
  readonly fetch?: Handle;
  readonly pull?: { readonly from: string };
};

export type Fetched =
  | { readonly tokens: number; readonly bytes: number; readonly ms: number }
  | { readonly failed: string };

/** A state that was got for a request. `tokens` is what the sender says is in the file. */
export type Brought = {
  /** Absent when there is none, or when the engine's own cache holds as much. */
  readonly state?: { readonly path: string };
  /** What the answer says; absent when the request asked for neither `fetch` nor `pull`. */
  readonly fetched?: Fetched;
  /** Deletes the file; to be called once the state is loaded or given up. */
  done(): Promise<void>;
};

/** What the engine needs of the transfer of KV state. */
export interface KvTransfer {
  /** Reads `kv_transfer_params`; throws an `AskError` (400) that names what is wrong. */
  read(params: unknown): KvAsk;

  /** Fetches or pulls what `ask` names into a file. Rejects only when `signal` aborts. */
  bring(ask: KvAsk, prompt: readonly number[], salt: string, signal: AbortSignal): Promise<Brought>;

  /** Keeps the state of `sequence` under a new handle; rejects with an `AskError` (507) when there is no room. */
  leave(sequence: HeldSequence, salt: string): Promise<Handle>;

  /** Answers `/kv`, `/kv/find` and `/kv/{handle}`; undefined for any other path. */
  answer(request: Request): Promise<Response> | undefined;

  /** Lines for `/metrics`, each ended by a newline. */
  metrics(): string;

  /** Ends leases and deletes files. */
  close(): Promise<void>;
}

/** Makes the transfer; `kv/index.ts` exports one as `createKvTransfer`. */
export type CreateKvTransfer = (options: {
  readonly states: States;
  /** This engine's own `http://host:port`. */
  readonly origin: string;
  /** Other engines' origins, the allow-list of `from`. */
  readonly peers: readonly string[];
  /** An empty folder of its own for files of state. */
  readonly folder: string;
}) => KvTransfer;
