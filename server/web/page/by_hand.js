// The button that opens the page for driving by hand, where no simulator drives.

const button = document.getElementById("by-hand");

button.onclick = async () => {
  button.disabled = true;
  button.textContent = "Starting ...";
  try {
    const response = await fetch("/api/by-hand", { method: "POST" });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error);
    location.assign(answer.page);
  } catch (error) {
    button.textContent = error instanceof TypeError ? "The server does not answer." : error.message;
  }
  button.disabled = false;
};
