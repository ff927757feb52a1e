import type { Tool, ToolChoice } from "./schema.ts";

/** Tools as functions of a chat. */
export function chatTools(tools: readonly Tool[]) {
  return tools.map(({ name, description, input_schema: parameters, strict }) => ({
    type: "function",
    function: {
      name,
      ...(description && { description }),
      parameters,
      ...(strict != null && { strict }),
    },
  }));
}

/** Which tools must be called, and whether several at once may be. */
export function chatToolChoice(choice: ToolChoice) {
  const isOneByOne = choice.type !== "none" && choice.disable_parallel_tool_use === true;
  return {
    tool_choice: choiceOf(choice),
    ...(isOneByOne && { parallel_tool_calls: false }),
  };
}

function choiceOf(choice: ToolChoice) {
  if (choice.type === "tool") return { type: "function", function: { name: choice.name } };
  return choice.type === "any" ? "required" : choice.type;
}
