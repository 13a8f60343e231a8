//! The main job in a cluster: what people apply with kubectl, the operator as a process that can be killed, a real
//! event of Falco, real content of the corpus, and what people read with kubectl afterwards.

mod ends;
mod event;
mod manual;
mod site;
