// Talking with the control API.

export async function get(path, asked = {}) {
  const query = new URLSearchParams(asked).toString();
  return read(await fetch(`control/${path}${query ? "?" + query : ""}`));
}

export async function post(path, body) {
  return read(await fetch(`control/${path}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  }));
}

// A person's act; with files it goes as multipart.
export async function act(body, files = []) {
  if (!files.length) return post("act", body);
  const form = new FormData();
  form.set("act", JSON.stringify(body));
  for (const file of files) form.append("file", file, file.name);
  return read(await fetch("control/act", { method: "POST", body: form }));
}

async function read(response) {
  const body = await response.json();
  if (!response.ok) throw new Error(body.description || String(response.status));
  return body;
}

export const fileUrl = (id) => `control/file?id=${encodeURIComponent(id)}`;
