import type { RequestTraits } from "../core/request-traits.ts";

/** Only a request for one plain completion is known to survive being split. */
export function splitsPlainRequests(traits: RequestTraits): boolean {
  return (
    traits.n === 1 &&
    !traits.hasBestOf &&
    !traits.hasPromptLogprobs &&
    !traits.hasEcho &&
    !traits.hasListPrompt
  );
}
