/** A request for the binding: OpenAI's, less what it takes apart and what it does not take. */
export function inputsOf(body: unknown): Record<string, unknown> {
  if (!isRecord(body)) throw new SyntaxError("a request is a JSON object");
  const { model: _model, messages, ...rest } = body;
  return { ...rest, messages: Array.isArray(messages) ? messages.map(withContent) : messages };
}

/** Tokens that a model which answers in Workers AI's own shape says at most. */
export function mostTokens(inputs: Readonly<Record<string, unknown>>): number {
  const asked = inputs["max_completion_tokens"] ?? inputs["max_tokens"];
  return typeof asked === "number" ? asked : DEFAULT_MOST_TOKENS;
}

const DEFAULT_MOST_TOKENS = 256;

/** A message of tool calls alone has none for OpenAI, and an empty one here. */
function withContent(message: unknown): unknown {
  if (!isRecord(message)) return message;
  return { ...message, content: message["content"] ?? "" };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
