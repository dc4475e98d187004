"""The paper's section 4: experts under one gate, router, losses, the peft method."""
