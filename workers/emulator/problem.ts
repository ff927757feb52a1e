export type Problem = {
  readonly status: number;
  readonly code: string;
  readonly message: string;
};

/** A problem in OpenAI's shape. */
export function openAiProblem({ status, code, message }: Problem): Response {
  return failure(status, code, message);
}

/** An error in OpenAI's shape. */
export function failure(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const type = status < 500 ? "invalid_request_error" : "server_error";
  return Response.json({ error: { message, type, param: null, code } }, { status, headers });
}
