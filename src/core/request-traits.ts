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
