import { AUTH, type Edge } from "./edge.ts";

/** The least a body of Messages can be. */
export const MESSAGES_BODY = {
  model: "small",
  max_tokens: 16,
  messages: [{ role: "user", content: "Hi" }],
};

/** Posts one with other members, or a body as it is. */
export function postMessages(
  edge: Edge,
  members: object | string = {},
  headers: Record<string, string> = AUTH,
): Promise<Response> {
  const body =
    typeof members === "string" ? members : JSON.stringify({ ...MESSAGES_BODY, ...members });
  return edge.call("/v1/messages", { method: "POST", headers, body });
}

export function jsonOf(response: Response): Promise<Record<string, unknown>> {
  return response.json();
}
