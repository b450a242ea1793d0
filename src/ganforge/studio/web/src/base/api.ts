/** Plain HTTP calls; a refusal is an Error with the server's one line. */

import { Refusal } from "./socket";

let askForToken: (() => Promise<void>) | null = null;

/** What to do where the server wants its token: `ask` shows a field and settles when it was accepted. */
export function onTokenNeeded(ask: () => Promise<void>): void {
  askForToken = ask;
}

async function request<Answer>(path: string, options: RequestInit): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Refusal("The studio does not answer. Is `gan studio` still running?");
  }
  if (response.status === 401 && askForToken) {
    await askForToken();
    return request<Answer>(path, options);
  }
  if (!response.ok) throw new Refusal(await reason(response));
  return (response.status === 204 ? {} : await response.json()) as Answer;
}

async function reason(response: Response): Promise<string> {
  try {
    const body = (await response.json()) as { error?: string };
    return body.error ?? `The studio answered ${response.status}.`;
  } catch {
    return `The studio answered ${response.status}.`;
  }
}

export function get<Answer>(path: string): Promise<Answer> {
  return request<Answer>(path, { headers: { Accept: "application/json" } });
}

export function post<Answer>(path: string, body: object | Blob): Promise<Answer> {
  const raw = body instanceof Blob;
  return request<Answer>(path, {
    method: "POST",
    headers: { "Content-Type": raw ? "application/octet-stream" : "application/json" },
    body: raw ? body : JSON.stringify(body),
  });
}

/** Whether the token is the right one. */
export async function enter(token: string): Promise<boolean> {
  const response = await fetch("/api/enter", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token }),
  });
  return response.ok;
}
