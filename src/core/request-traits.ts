/** Facts of a request that decide whether it can be split. */
export type RequestTraits = {
  readonly n: number;
  readonly hasBestOf: boolean;
  readonly hasBeamSearch: boolean;
  readonly hasLogprobs: boolean;
  readonly hasPromptLogprobs: boolean;
  readonly hasEcho: boolean;
  readonly hasListPrompt: boolean;
};

/** A client's request whose answer broke off. */
export type BrokenOff = {
  readonly path: string;
  readonly traits: RequestTraits;
  /** A member as the client wrote it: raw JSON text. */
  readonly raw: (name: string) => string | undefined;
};
