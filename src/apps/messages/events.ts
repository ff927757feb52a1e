/** One event of a Messages stream, with its blank line. */
export function eventOf(type: string, members: object = {}): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;
}
