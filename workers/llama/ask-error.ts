/** Something a caller can be told: an HTTP status, OpenAI's `code` and `param`, and a sentence. */
export class AskError extends Error {
  override readonly name = "AskError";
  readonly status: number;
  readonly code: string;
  readonly param: string | null;

  constructor(status: number, code: string, message: string, param: string | null = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
  }
}

/** The error in OpenAI's shape; what is no `AskError` is told as a 500. */
export function errorBody(error: unknown): {
  readonly status: number;
  readonly body: { readonly error: Readonly<Record<string, string | null>> };
} {
  const told =
    error instanceof AskError
      ? error
      : new AskError(500, "server_error", error instanceof Error ? error.message : String(error));
  const { status, code, param, message } = told;
  const type = status < 500 ? "invalid_request_error" : "server_error";
  return { status, body: { error: { message, type, param, code } } };
}
