// The server, from the same origin and nowhere else.

let key = sessionStorage.getItem("key") ?? "";

/** What the server said about a request that it did not answer. */
export class ApiError extends Error {
  constructor(status, error) {
    super(error?.message ?? `the server answered ${status}`);
    this.status = status;
    this.code = error?.code ?? "";
  }
}

export function useKey(text) {
  key = text.trim();
  sessionStorage.setItem("key", key);
}

async function request(method, path, { body, headers = {}, signal } = {}) {
  if (key) headers.authorization = `Bearer ${key}`;
  if (body && !(body instanceof FormData)) {
    headers["content-type"] = "application/json";
    body = JSON.stringify(body);
  }
  const response = await fetch(path, { method, body, headers, signal, credentials: "omit" });
  if (response.ok) return response;
  const said = await response.json().catch(() => ({}));
  throw new ApiError(response.status, said.error);
}

const json = async (...given) => (await request(...given)).json();

export const about = () => json("GET", "/api/about");
export const ask = (body) => json("POST", "/api/runs", { body });
export const runs = (query) => json("GET", `/api/runs?${new URLSearchParams(query)}`);
export const run = (id) => json("GET", `/api/runs/${id}`);
export const node = (id, number) => json("GET", `/api/runs/${id}/nodes/${number}`);
export const cancel = (id) => json("POST", `/api/runs/${id}/cancel`);
export const resume = (id) => json("POST", `/api/runs/${id}/resume`);
export const replay = (id) => json("POST", `/api/runs/${id}/replay`);
export const deleteRun = (id) => json("DELETE", `/api/runs/${id}`);
export const passage = (id, query) => json("GET", `/api/runs/${id}/passage?${new URLSearchParams(query)}`);
export const files = () => json("GET", "/v1/files");
export const deleteFile = (id) => json("DELETE", `/v1/files/${id}`);

export function upload(file, name) {
  const body = new FormData();
  body.append("purpose", "user_data");
  body.append("file", file, name);
  return json("POST", "/v1/files", { body });
}

/** All that is known of a run, as a file to be saved. */
export async function save(id) {
  const blob = await (await request("GET", `/api/runs/${id}/export`)).blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `run-${id}.jsonl`;
  link.click();
  URL.revokeObjectURL(link.href);
}

/**
 * Follows a run to its end: calls `tell(kind, data)` for each event. A connection that breaks is made again, and goes on
 * after the last event that came.
 */
export async function follow(id, tell, signal) {
  let last = 0;
  for (let wait = 500; ; wait = Math.min(10_000, wait * 2)) {
    try {
      const response = await request("GET", `/api/runs/${id}/events`, { headers: { "last-event-id": last }, signal });
      for await (const event of events(response.body)) {
        last = event.id ?? last;
        wait = 500;
        tell(event.kind, event.data);
        if (event.kind === "ended") return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.status < 500) throw error;
    }
    await new Promise((done) => setTimeout(done, wait));
    if (signal.aborted) return;
  }
}

async function* events(body) {
  let rest = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = {};
      for (const line of block.split("\n")) {
        if (line.startsWith("id: ")) event.id = Number(line.slice(4));
        else if (line.startsWith("event: ")) event.kind = line.slice(7);
        else if (line.startsWith("data: ")) event.data = JSON.parse(line.slice(6));
      }
      if (event.data !== undefined) yield event;
    }
  }
}
