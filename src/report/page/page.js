for (const button of document.querySelectorAll("button[data-copy]")) {
  button.addEventListener("click", () => {
    const block = document.getElementById(button.dataset.copy);
    const said = (word) => { button.textContent = word; setTimeout(() => { button.textContent = "Copy"; }, 1500); };
    const selected = () => { const range = document.createRange(); range.selectNodeContents(block); const selection = getSelection(); selection.removeAllRanges(); selection.addRange(range); said("Selected"); };
    if (!navigator.clipboard) { selected(); return; }
    navigator.clipboard.writeText(block.textContent).then(() => said("Copied"), selected);
  });
}
