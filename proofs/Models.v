(** * Operations as vertices, variables as vertices

    [reference_nets/graph_models.py] draws a program in two ways.  In the first
    drawing the vertices are the operations (a source is an operation without
    inputs), in the second they are the variables.  Where every operation has
    exactly one output, the two are the same labelled graph, every operation
    being called by its output, and reverse accumulation along the edges of
    either is reverse accumulation over the program. *)

Require Import List Arith Lia Bool Ring Ring_theory.
From GradCheck Require Import Operations.
Import ListNotations.

Section Models.

Variable V : Type.
Variable eqb : V -> V -> bool.
Variable eqb_spec : forall x y, reflect (x = y) (eqb x y).
Variable R : Type.
Variables (rO rI : R) (radd rmul rsub : R -> R -> R) (ropp : R -> R).
Variable R_ring : ring_theory rO rI radd rmul rsub ropp (@eq R).
Add Ring R_ring : R_ring.
Infix "+" := radd.
Infix "*" := rmul.
Notation "0" := rO.
Notation vertex := (vertex V R).
Notation backward := (backward V eqb R rO radd rmul).
Notation sum_from := (sum_from R rO radd).

Implicit Types (P : list vertex) (o : vertex).

(** ** Definitions *)

(** A labelled edge: from, to, input slot of the operation at its head, partial. *)
Definition edge (A : Type) := (A * A * nat * R)%type.

Definition rename {A B} (f : A -> B) (e : edge A) : edge B :=
  let '(x, y, k, p) := e in (f x, f y, k, p).

(** [[f 0 x; f 1 y; ...]] *)
Fixpoint map_from {A B : Type} (f : nat -> A -> B) (k : nat) (l : list A) : list B :=
  match l with
  | [] => []
  | x :: l' => f k x :: map_from f (S k) l'
  end.

(** The place of a variable in a list. *)
Fixpoint index (names : list V) (x : V) : nat :=
  match names with
  | [] => 0%nat
  | y :: names' => if eqb x y then 0%nat else S (index names' x)
  end.

(** Operations as vertices: the sources are numbered first, then the vertices as
    they come.  An edge leads from the operation that assigns a variable to each
    slot that reads it.  [n] is the number of the first vertex of [P]. *)
Fixpoint operation_edges (names : list V) (n : nat) (P : list vertex) : list (edge nat) :=
  match P with
  | [] => []
  | o :: P' =>
      map_from (fun k x => (index names x, n, k, partial o 0%nat k)) 0%nat (inputs o)
        ++ operation_edges names (S n) P'
  end.

(** Variables as vertices: an edge leads from each input to the output. *)
Fixpoint variable_edges (P : list vertex) : list (edge V) :=
  match P with
  | [] => []
  | o :: P' =>
      flat_map (fun y => map_from (fun k x => (x, y, k, partial o 0%nat k)) 0%nat (inputs o)) (outputs o)
        ++ variable_edges P'
  end.

(** Reverse accumulation on an ordinary graph: edge by edge, the last one first. *)
Definition along {A} (eqA : A -> A -> bool) (E : list (edge A)) (s : A -> R) : A -> R :=
  fold_right (fun e s => let '(x, y, _, p) := e in Operations.add A eqA R radd s x (p * s y)) s E.

Definition single (P : list vertex) : Prop := Forall (fun o => exists y, outputs o = [y]) P.

(** ** Theorems *)

Lemma map_map_from : forall A B C (g : B -> C) (f : nat -> A -> B) l k,
  map g (map_from f k l) = map_from (fun i x => g (f i x)) k l.
Proof. induction l as [|x l IH]; intro k; simpl; [|rewrite IH]; reflexivity. Qed.

Lemma map_from_ext : forall A B (f g : nat -> A -> B) l k,
  (forall i x, In x l -> f i x = g i x) -> map_from f k l = map_from g k l.
Proof.
  induction l as [|x l IH]; intros k H; simpl; [reflexivity|].
  rewrite H, IH by (intros; try apply H; simpl; auto). reflexivity.
Qed.

Lemma nth_index : forall names x d, In x names -> nth (index names x) names d = x.
Proof.
  induction names as [|y names IH]; intros x d H; simpl; [destruct H|].
  destruct (eqb_spec x y); [congruence|]. apply IH. destruct H; congruence.
Qed.

Lemma index_bound : forall names x, In x names -> index names x < length names.
Proof.
  induction names as [|y names IH]; intros x H; simpl; [destruct H|].
  destruct (eqb_spec x y); [lia|]. assert (In x names) by (destruct H; congruence).
  specialize (IH x H0). lia.
Qed.

Lemma index_nth : forall names i d,
  NoDup names -> i < length names -> index names (nth i names d) = i.
Proof.
  intros names i d Hd Hi. apply (NoDup_nth names d); try assumption.
  - apply index_bound, nth_In, Hi.
  - apply nth_index, nth_In, Hi.
Qed.

(** What [valid] says of a vertex in the middle of a program. *)
Lemma reads_known : forall P known names,
  valid known P -> incl (variables known P) names -> Forall (fun o => incl (inputs o) names) P.
Proof.
  intros P known names H Hi. apply (valid_within_known V R) with (vars := names) in H; [|assumption].
  eapply Forall_impl; [|exact H]. simpl; tauto.
Qed.

Lemma numbered : forall P2 l names d,
  single P2 -> names = l ++ flat_map outputs P2 -> Forall (fun o => incl (inputs o) names) P2 ->
  map (rename (fun i => nth i names d)) (operation_edges names (length l) P2) = variable_edges P2.
Proof.
  induction P2 as [|o P2 IH]; intros l names d Hs En Hr; simpl; [reflexivity|].
  destruct (Forall_inv Hs) as [y Hy]. pose proof (Forall_inv Hr) as Hr1.
  apply Forall_inv_tail in Hs, Hr.
  rewrite map_app, Hy. simpl. rewrite app_nil_r. f_equal.
  - rewrite map_map_from. apply map_from_ext. intros k x Hx. simpl.
    rewrite nth_index by auto. f_equal. f_equal. f_equal.
    rewrite En, app_nth2, Nat.sub_diag by lia. simpl. rewrite Hy. reflexivity.
  - simpl in En. rewrite Hy in En.
    specialize (IH (l ++ [y]) names d Hs). rewrite app_length in IH. simpl in IH.
    rewrite Nat.add_1_r in IH. apply IH; [|assumption]. rewrite En, <- app_assoc. reflexivity.
Qed.

Lemma in_map_from : forall A B (f : nat -> A -> B) l k b,
  In b (map_from f k l) -> exists i x, In x l /\ b = f i x.
Proof.
  induction l as [|x l IH]; intros k b H; simpl in *; [destruct H|].
  destruct H as [<-|H]; [exists k, x; auto|]. apply IH in H.
  destruct H as [i [z [Hz E]]]. exists i, z. auto.
Qed.

Lemma operation_edges_bound : forall P names n,
  Forall (fun o => incl (inputs o) names) P -> (n + length P <= length names)%nat ->
  Forall (fun e => fst (fst (fst e)) < length names /\ snd (fst (fst e)) < length names)
    (operation_edges names n P).
Proof.
  induction P as [|o P IH]; intros names n Hr Hn; simpl in *; [constructor|].
  inversion Hr; subst. apply Forall_app. split; [|apply IH; [assumption|lia]].
  apply Forall_forall. intros e He. apply in_map_from in He. destruct He as [k [x [Hx ->]]].
  simpl. split; [apply index_bound; auto | lia].
Qed.

Lemma single_length : forall P, single P -> length (flat_map outputs P) = length P.
Proof.
  induction 1 as [|o P [y Hy] H IH]; simpl; [reflexivity|].
  rewrite app_length, IH, Hy. reflexivity.
Qed.

(** THE TWO MODELS ARE ONE LABELLED GRAPH.  Calling every operation by its output
    turns the first drawing into the second; numbering the variables turns the
    second into the first. *)
Theorem models_are_isomorphic : forall sources P d,
  valid sources P -> single P ->
  let names := variables sources P in
  map (rename (fun i => nth i names d)) (operation_edges names (length sources) P) = variable_edges P /\
  map (rename (index names)) (variable_edges P) = operation_edges names (length sources) P.
Proof.
  intros sources P d H Hs names.
  assert (Hr : Forall (fun o => incl (inputs o) names) P)
    by (eapply reads_known; [eassumption | intros x Hx; exact Hx]).
  assert (E := numbered P sources names d Hs eq_refl Hr). split; [exact E|].
  rewrite <- E, map_map. rewrite <- (map_id (operation_edges names (length sources) P)) at 2.
  apply map_ext_in. intros e He.
  assert (B : Forall _ _) by (apply (operation_edges_bound P names (length sources) Hr);
    unfold names, variables; rewrite app_length, single_length by assumption; lia).
  rewrite Forall_forall in B. specialize (B e He). destruct e as [[[x y] k] p]. simpl in *.
  pose proof (valid_nodup V R P sources H) as Hd. fold names in Hd.
  rewrite !index_nth by tauto. reflexivity.
Qed.

Lemma along_app : forall A eqA (E F : list (edge A)) s,
  along eqA (E ++ F) s = along eqA E (along eqA F s).
Proof. intros. apply fold_right_app. Qed.

(** The edges of one vertex do what the vertex does. *)
Lemma along_vertex : forall (c : nat -> R) y l k s v,
  ~ In y l ->
  along eqb (map_from (fun i x => (x, y, i, c i)) k l) s v =
  s v + sum_from (fun i x => if eqb x v then c i * s y else 0) k l.
Proof.
  intros c y. induction l as [|x l IH]; intros k s v H; simpl.
  - ring.
  - assert (Hy : ~ In y l) by (intro; apply H; right; assumption).
    unfold Operations.add.
    rewrite (IH (S k) s v Hy), (IH (S k) s y Hy).
    assert (Z : sum_from (fun i x0 => if eqb x0 y then c i * s y else 0) (S k) l = 0).
    { eapply sum_from_nothing; [exact R_ring|]. intros i z Hz.
      destruct (eqb_spec z y); subst; [contradiction | reflexivity]. }
    rewrite Z, (eqb_sym V eqb eqb_spec x v). destruct (eqb v x); ring.
Qed.

(** Reverse accumulation along the edges between VARIABLES is reverse accumulation
    over the program. *)
Theorem variable_model_is_correct : forall sources P s v,
  valid sources P -> single P -> along eqb (variable_edges P) s v = backward P s v.
Proof.
  intros sources P s v H Hs. apply valid_ordered in H.
  revert v. induction P as [|o P IH]; intro v; simpl; [reflexivity|].
  inversion Hs as [|? ? [y Hy] Hs']; subst. destruct H as [H1 H2].
  assert (Hn : ~ In y (inputs o)) by (apply (H1 o); rewrite ?Hy; simpl; auto).
  rewrite along_app, Hy. simpl. rewrite app_nil_r, along_vertex by assumption.
  rewrite !IH by assumption.
  unfold Operations.scatter. erewrite add_each_at; [|exact eqb_spec|exact R_ring].
  f_equal. apply sum_from_ext. intros i x _. unfold Operations.pull. rewrite Hy. simpl.
  destruct (eqb x v); ring.
Qed.

(** Names do not matter, as long as different vertices have different ones. *)
Lemma along_rename : forall A eqA (eqA_spec : forall x y : A, reflect (x = y) (eqA x y))
    (f : A -> V) (dom : A -> Prop) (E : list (edge A)) s i,
  (forall x y, dom x -> dom y -> f x = f y -> x = y) ->
  Forall (fun e => dom (fst (fst (fst e))) /\ dom (snd (fst (fst e)))) E -> dom i ->
  along eqA E (fun x => s (f x)) i = along eqb (map (rename f) E) s (f i).
Proof.
  intros A eqA eqA_spec f dom E s i Hf HE. revert i.
  induction HE as [|[[[x y] k] p] E [Hx Hy] HE IH]; intros i Hi; simpl in *; [reflexivity|].
  unfold Operations.add. rewrite !IH by assumption.
  destruct (eqA_spec i x), (eqb_spec (f i) (f x)); subst; try reflexivity.
  - congruence.
  - exfalso. auto.
Qed.

(** Reverse accumulation along the edges between OPERATIONS gives each operation
    the adjoint of its output: the two models agree. *)
Theorem operation_model_is_correct : forall sources P s d i,
  valid sources P -> single P ->
  let names := variables sources P in
  i < length names ->
  along Nat.eqb (operation_edges names (length sources) P) (fun j => s (nth j names d)) i =
  backward P s (nth i names d).
Proof.
  intros sources P s d i H Hs names Hi.
  pose proof (valid_nodup V R P sources H) as Hd. fold names in Hd.
  assert (Hr : Forall (fun o => incl (inputs o) names) P)
    by (eapply reads_known; [eassumption | intros x Hx; exact Hx]).
  rewrite (along_rename nat Nat.eqb Nat.eqb_spec (fun i => nth i names d) (fun i => i < length names)).
  - destruct (models_are_isomorphic sources P d H Hs) as [E _]. fold names in E. rewrite E.
    apply (variable_model_is_correct sources); assumption.
  - intros x y Hx Hy E. apply (NoDup_nth names d); assumption.
  - apply (operation_edges_bound P names (length sources) Hr).
    unfold names, variables. rewrite app_length, single_length by assumption. lia.
  - assumption.
Qed.

End Models.
