/** The fleet as the planner sees it: `mesh.json` after parsing, with device classes resolved. Plain data. */

export type Tier = "sram" | "hbm" | "gddr" | "dram" | "flash" | "store" | "edge" | "object";
export type Phase = "prefill" | "decode";
/** What a pool does; engines that only encode media are named to others of their dialect, and are no placement. */
export type Role = Phase | "encode";
export type Status = "shipping" | "announced" | "hypothetical";

/** What one device of a class can do; a pool multiplies it by `devices`. */
export type DeviceClass = {
  readonly name: string;
  readonly status: Status;
  /** Dense FLOP/s at the precision it serves in, per device. */
  readonly flops: number;
  /** Fraction of `flops` reached in prefill, 0..1. */
  readonly mfu: number;
  /** Fastest first; KV cache lives in the first, evicted blocks move down. */
  readonly memory: readonly {
    readonly tier: Tier;
    readonly bytes: number;
    readonly bytesPerS: number;
  }[];
  /** Set for SRAM engines: one step takes this long per 1e9 active parameters plus a floor, whatever the batch. */
  readonly constantStep?: { readonly baseMs: number; readonly msPerBillion: number };
  readonly watts: number;
  readonly usdPerHour: number;
};

export type Region = {
  readonly id: string;
  readonly lat: number;
  readonly lon: number;
  readonly hint?: string;
  readonly jurisdiction?: string;
  /** Another one makes the region's objects anew, where it is now; 1 where absent. */
  readonly epoch?: number;
  /** Each pool's engines are granted by an object of its own; else one grants all. */
  readonly shards?: "pool";
};

export type Model = {
  readonly id: string;
  /** What makes vectors of texts has prefill alone. `chat` unless told. */
  readonly kind?: "chat" | "embedding";
  readonly params: number;
  readonly activeParams: number;
  readonly layers: number;
  /** Width of attention summed over heads: the `d` of 2·L·d·n². */
  readonly attnDim: number;
  readonly weightBytes: number;
  readonly kvBytesPerToken: number;
  readonly contextWindow: number;
  readonly aliases: readonly string[];
  /** Output tokens expected when neither the session nor the request says. */
  readonly defaultOutputTokens: number;
  readonly template: {
    readonly order: readonly ("tools" | "system" | "messages")[];
    readonly keepsReasoning: boolean;
  };
  /** Prompt tokens of one piece of media, by its kind; what is not told counts as a picture does commonly. */
  readonly media?: {
    readonly imageTokens?: number;
    readonly audioTokens?: number;
    readonly videoTokens?: number;
    readonly fileTokens?: number;
  };
};

export type Engine = {
  /** `pool/number`, unique in the fleet. */
  readonly id: string;
  readonly pool: string;
  readonly url: string;
  readonly apiKeySecret?: string;
  /** Where its decode engines meet it; the host of `url` unless told, and the port its dialect says. */
  readonly bootstrapHost?: string;
  readonly bootstrapPort?: number;
};

export type Pool = {
  readonly id: string;
  readonly model: string;
  readonly device: string;
  /** Devices per engine. */
  readonly devices: number;
  readonly region: string;
  readonly dialect: string;
  readonly roles: readonly Role[];
  readonly routed: "us" | "itself";
  readonly kvLayout?: string;
  /** KV cache tokens of one engine; overrides what the device's memory would hold. */
  readonly kvTokens?: number;
  readonly maxBatch: number;
  readonly perMTok?: { readonly in: number; readonly cached: number; readonly out: number };
  readonly limits?: { readonly rpm?: number; readonly tpm?: number; readonly concurrency?: number };
  readonly hypothetical: boolean;
  /** What its engines call the model; `model` unless told. */
  readonly modelName?: string;
  /** Sent with every request to its engines. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Its decode engines keep prompt and answer for whoever prefills the next turn; absent means they do not. */
  readonly bidirectional?: boolean;
  /** Whether its KV cache is kept outside of its engines; `auto` where absent: where that pays. */
  readonly kvExport?: "auto" | "never" | "always";
  /** Ranks of data parallelism behind each engine's URL; 1 unless told. */
  readonly dpSize?: number;
  /** Its engines take `cache_salt`; absent means as its dialect usually does. */
  readonly cacheSalt?: boolean;
  /** Its engines take `continue_final_message`; absent means as its dialect usually does. */
  readonly continues?: boolean;
  /** Sessions are sent to the workers behind the URL that served them last, where those are told. */
  readonly workerPins?: boolean;
  /** Its engines take `prompt_cache_key`. */
  readonly promptCacheKey?: boolean;
  /** Of a pool that routes itself: how long it keeps an unused prefix, from how many tokens on, and in which steps. */
  readonly cacheTtlS?: number;
  readonly cacheMinTokens?: number;
  readonly cacheStepTokens?: number;
  readonly engines: readonly Engine[];
};

export type Link = {
  readonly from: string;
  readonly to: string;
  readonly transport: "nvlink" | "rdma" | "tcp" | "wan";
  readonly gbps: number;
  readonly perFlowGbps: number;
  readonly rttMs: number;
  readonly usdPerGB: number;
};

export type Rule = {
  readonly when: Partial<Record<keyof Labels, string>>;
  /** Pool ids. `prefer` multiplies the score of other pools' placements by 1.25; `only` filters. */
  readonly prefer?: readonly string[];
  readonly only?: readonly string[];
};

/** The five axes; see DESIGN §3. `place` is `anywhere`, `edge-bound`, `edge-bound:<region>` or a jurisdiction. */
export type Labels = {
  readonly phase: "prefill-heavy" | "balanced" | "decode-heavy";
  readonly context: "short" | "medium" | "long" | "ultra";
  readonly urgency: "interactive" | "batch";
  readonly size: "small" | "large";
  readonly place: string;
};

export type Fleet = {
  /** Hash of the source, so that two isolates can tell whether they plan from the same fleet. */
  readonly version: string;
  readonly regions: ReadonlyMap<string, Region>;
  readonly models: ReadonlyMap<string, Model>;
  /** Model id or alias to model id. */
  readonly modelNames: ReadonlyMap<string, string>;
  readonly devices: ReadonlyMap<string, DeviceClass>;
  readonly pools: ReadonlyMap<string, Pool>;
  readonly links: readonly Link[];
  readonly rules: readonly Rule[];
  readonly labels: {
    readonly mediumFrom: number;
    readonly longFrom: number;
    readonly ultraFrom: number;
    readonly smallUpToParams: number;
  };
  readonly slo: {
    readonly interactive: { readonly ttftMs: number; readonly tpotMs: number };
    readonly batch: { readonly deadlineMs: number };
  };
  readonly prices: {
    readonly valueOfTimeUsdPerS: { readonly interactive: number; readonly batch: number };
    readonly missPenaltyUsd: number;
    readonly joulePriceUsd: number;
  };
};
