(** * Reverse accumulation gives the derivatives of real programs

    [Operations] is about a linearised program over any ring; [Rules] is about
    single functions of real numbers.  Here the two meet: if every operation of a
    program is differentiable at the point, with the partials that its rule
    states, then reverse accumulation with these partials gives the derivative of
    the whole program. *)

Require Import Reals List Bool Ring Lra Lia.
Set Warnings "-ambiguous-paths".   (* Coquelicot's own *)
From Coquelicot Require Import Coquelicot.
From GradCheck Require Import Operations Rules.
Import ListNotations.
Open Scope R_scope.

Section RealPrograms.

Variable V : Type.
Variable eqb : V -> V -> bool.
Variable eqb_spec : forall x y, reflect (x = y) (eqb x y).

Notation env := (V -> R).
Notation sum_from := (Operations.sum_from R 0 Rplus).
Notation dot := (Operations.dot V R 0 Rplus Rmult).
Notation forward := (Operations.forward V eqb R 0 Rplus Rmult).
Notation backward := (Operations.backward V eqb R 0 Rplus Rmult).

(** ** Definitions *)

(** An operation reads one number per input slot and assigns one per output port. *)
Record operation := Operation {
  reads : list V;
  assigns : list V;
  apply : nat -> (nat -> R) -> R;              (* port, inputs by slot *)
  slope : nat -> nat -> (nat -> R) -> R        (* port, slot, inputs by slot *)
}.

(** The inputs of an operation, by slot. *)
Definition slots (l : list V) (e : env) (k : nat) : R :=
  match nth_error l k with Some x => e x | None => 0 end.

Fixpoint put (e : env) (l : list V) (j : nat) (c : nat -> R) : env :=
  match l with
  | [] => e
  | y :: l' => put (Operations.assign V eqb R e y (c j)) l' (S j) c
  end.

Definition perform (o : operation) (e : env) : env :=
  put e (assigns o) 0%nat (fun j => apply o j (slots (reads o) e)).

(** The values of all variables. *)
Fixpoint run (P : list operation) (e : env) : env :=
  match P with
  | [] => e
  | o :: P' => run P' (perform o e)
  end.

(** The program, linearised at the values that it computes on the way. *)
Definition linear (o : operation) (e : env) : vertex V R :=
  Vertex (reads o) (assigns o) (fun j k => slope o j k (slots (reads o) e)).

Fixpoint linearise (P : list operation) (e : env) : list (vertex V R) :=
  match P with
  | [] => []
  | o :: P' => linear o e :: linearise P' (perform o e)
  end.

(** The chain rule holds for [o] at the inputs [a]: along every differentiable
    curve through [a], port j moves by the sum of slope times movement. *)
Definition differentiable (o : operation) (a : nat -> R) : Prop :=
  forall j, (j < length (assigns o))%nat ->
  forall (c : R -> nat -> R) (c' : nat -> R) (t : R),
    (forall k, c t k = a k) ->
    (forall k, is_derive (fun u => c u k) t (c' k)) ->
    is_derive (fun u => apply o j (c u)) t
      (sum_from (fun k (_ : V) => slope o j k (c t) * c' k) 0%nat (reads o)).

(** All operations are differentiable at the values that they meet. *)
Fixpoint smooth_at (P : list operation) (e : env) : Prop :=
  match P with
  | [] => True
  | o :: P' => differentiable o (slots (reads o) e) /\ smooth_at P' (perform o e)
  end.

(** ** Theorems *)

Lemma put_derive : forall l j (e : R -> env) (t : env) (c : R -> nat -> R) (c' : nat -> R) u,
  NoDup l ->
  (forall x, is_derive (fun s => e s x) u (t x)) ->
  (forall y, In y l -> t y = 0) ->
  (forall i, (j <= i < j + length l)%nat -> is_derive (fun s => c s i) u (c' i)) ->
  forall x, is_derive (fun s => put (e s) l j (c s) x) u (Operations.add_each V eqb R Rplus t l j c' x).
Proof.
  induction l as [|y l IH]; intros j e t c c' u Hd He Ht Hc x; simpl; [apply He|].
  inversion Hd; subst. apply (IH (S j) (fun s => Operations.assign V eqb R (e s) y (c s j))).
  - assumption.
  - intro z. unfold Operations.assign, Operations.add.
    destruct (eqb_spec z y) as [->|N]; [|apply He].
    eapply is_derive_as; [apply Hc; simpl; lia|]. rewrite Ht by (left; reflexivity). ring.
  - intros z Hz. unfold Operations.add. destruct (eqb_spec z y) as [->|N]; [contradiction|].
    apply Ht. right; assumption.
  - intros i Hi. apply Hc. simpl. lia.
Qed.

Lemma slots_derive : forall l (e : R -> env) (t : env) u k,
  (forall x, is_derive (fun s => e s x) u (t x)) ->
  is_derive (fun s => slots l (e s) k) u (slots l t k).
Proof.
  intros l e t u k H. unfold slots. destruct (nth_error l k); [apply H|].
  apply (is_derive_const (0 : R)).
Qed.

Lemma sum_slots : forall (p : nat -> R) (t : env) l l' i,
  (forall k x, nth_error l' k = Some x -> nth_error l (i + k) = Some x) ->
  sum_from (fun k (_ : V) => p k * slots l t k) i l' = sum_from (fun k x => p k * t x) i l'.
Proof.
  intros p t l. induction l' as [|x l' IH]; intros i H; simpl; [reflexivity|].
  f_equal.
  - unfold slots. specialize (H 0%nat x eq_refl). rewrite Nat.add_0_r in H. now rewrite H.
  - apply IH. intros k y Hk. rewrite <- (H (S k) y Hk). f_equal. lia.
Qed.

Lemma outputs_linearise : forall P e, flat_map outputs (linearise P e) = flat_map assigns P.
Proof. induction P as [|o P IH]; intro e; simpl; [|rewrite IH]; reflexivity. Qed.

Lemma NoDup_app_split : forall A (l m : list A), NoDup (l ++ m) -> NoDup l /\ NoDup m.
Proof.
  induction l as [|x l IH]; intros m H; simpl in *; [split; [constructor | assumption]|].
  inversion H as [|? ? Hx Hl]; subst. rewrite in_app_iff in Hx. apply IH in Hl.
  split; [constructor|]; tauto.
Qed.

(** FORWARD ACCUMULATION IS THE DERIVATIVE: along any differentiable curve of
    inputs, every variable moves by its tangent. *)
Theorem forward_is_derivative : forall P known (e : R -> env) (t : env) u,
  valid known (linearise P (e u)) ->
  smooth_at P (e u) ->
  (forall x, is_derive (fun s => e s x) u (t x)) ->
  (forall y, In y (flat_map assigns P) -> t y = 0) ->
  forall x, is_derive (fun s => run P (e s) x) u (forward (linearise P (e u)) t x).
Proof.
  induction P as [|o P IH]; intros known e t u Hv Hs He Ht x; simpl; [apply He|].
  destruct Hs as [Ho Hs]. pose proof (valid_nodup _ _ _ _ Hv) as Hd.
  unfold variables in Hd. simpl in Hd, Hv. destruct Hv as [_ Hv].
  rewrite outputs_linearise in Hd. apply NoDup_app_split in Hd. destruct Hd as [_ Hd].
  pose proof (proj1 (NoDup_app_split _ _ _ Hd)) as Hd1.
  assert (H1 : forall z, is_derive (fun s => perform o (e s) z) u
                 (Operations.advance V eqb R 0 Rplus Rmult t (linear o (e u)) z)).
  { intro z. unfold perform, Operations.advance.
    apply (put_derive (assigns o) 0%nat e t (fun s j => apply o j (slots (reads o) (e s)))); auto.
    - intros y Hy. apply Ht. simpl. apply in_app_iff. auto.
    - intros j Hj. eapply is_derive_as.
      + apply (Ho j) with (c := fun s => slots (reads o) (e s)) (c' := slots (reads o) t).
        * simpl in Hj. lia.
        * reflexivity.
        * intro k. now apply slots_derive.
      + unfold Operations.push. simpl.
        apply (sum_slots (fun k => slope o j k (slots (reads o) (e u))) t (reads o)). auto. }
  apply (IH (assigns o ++ known) (fun s => perform o (e s))); auto.
  intros y Hy. unfold Operations.advance.
  rewrite (add_each_elsewhere V eqb eqb_spec R 0 1 Rplus Rmult Rminus Ropp RTheory).
  - apply Ht. simpl. apply in_app_iff. auto.
  - simpl. intro Hy'. apply in_split in Hy'. destruct Hy' as [l1 [l2 E]]. rewrite E in Hd.
    rewrite <- app_assoc in Hd. apply NoDup_remove_2 in Hd. apply Hd.
    rewrite !in_app_iff. auto.
Qed.

Lemma sum_derive : forall (vars : list V) (f : V -> R -> R) (f' : V -> R) u,
  (forall x, is_derive (f x) u (f' x)) ->
  is_derive (fun v => Operations.sum R 0 Rplus (fun x => f x v) vars) u
    (Operations.sum R 0 Rplus f' vars).
Proof.
  unfold Operations.sum. intros vars f f' u H. generalize 0%nat as k.
  induction vars as [|x vars IH]; intro k; simpl.
  - apply (is_derive_const (0 : R)).
  - apply sum_rule; auto.
Qed.

(** REVERSE ACCUMULATION IS THE GRADIENT of a real program.  Along any
    differentiable curve of inputs, e with derivative [d], the seeded sum of all
    values moves by the sum over the sources of adjoint times [d].  (On the line
    e + u d this is the directional derivative.) *)
Theorem backward_is_gradient : forall P sources (e : R -> env) (d s : env) u,
  valid sources (linearise P (e u)) ->
  smooth_at P (e u) ->
  (forall x, is_derive (fun v => e v x) u (d x)) ->
  (forall y, In y (flat_map assigns P) -> d y = 0) ->
  let vars := variables sources (linearise P (e u)) in
  is_derive (fun v => dot vars s (run P (e v))) u
    (Operations.sum R 0 Rplus (fun x => backward (linearise P (e u)) s x * d x) sources).
Proof.
  intros P sources e d s u Hv Hs He Hd vars.
  pose proof (valid_nodup _ _ _ _ Hv) as Hn. fold vars in Hn.
  assert (E : dot vars s (forward (linearise P (e u)) d) =
    Operations.sum R 0 Rplus (fun x => backward (linearise P (e u)) s x * d x) sources).
  { rewrite <- (adjoint_identity V eqb eqb_spec R 0 1 Rplus Rmult Rminus Ropp RTheory)
      by (try assumption; apply (valid_within _ _ _ _ Hv)).
    unfold Operations.dot, vars, variables.
    rewrite (sum_app R 0 1 Rplus Rmult Rminus Ropp RTheory), outputs_linearise.
    unfold Operations.sum at 2.
    rewrite (sum_from_nothing R 0 1 Rplus Rmult Rminus Ropp RTheory); [apply Rplus_0_r|].
    intros _ y Hy. rewrite (Hd y Hy). apply Rmult_0_r. }
  rewrite <- E. unfold Operations.dot.
  apply (sum_derive vars (fun x v => s x * run P (e v) x)). intro x.
  apply (is_derive_scal (fun v => run P (e v) x)).
  apply (forward_is_derivative P sources); assumption.
Qed.

(** ** Operations made from rules *)

(** One number in, one out. *)
Definition unary (f f' : R -> R) (x y : V) : operation :=
  Operation [x] [y] (fun _ a => f (a 0%nat)) (fun _ _ a => f' (a 0%nat)).

(** The chain rule holds for it wherever f' is the derivative of f. *)
Theorem unary_is_differentiable : forall f f' x y a,
  is_derive f (a 0%nat) (f' (a 0%nat)) -> differentiable (unary f f' x y) a.
Proof.
  intros f f' x y a H j _ c c' t E D. simpl. rewrite Rplus_0_r.
  apply (composition_rule f (fun u => c u 0%nat)); [|apply D]. rewrite E. exact H.
Qed.

(** x y, with the partials y and x. *)
Definition multiply (x y z : V) : operation :=
  Operation [x; y] [z] (fun _ a => a 0%nat * a 1%nat)
    (fun _ k a => match k with O => a 1%nat | _ => a 0%nat end).

(** It holds for multiplication everywhere. *)
Theorem multiply_is_differentiable : forall x y z a, differentiable (multiply x y z) a.
Proof.
  intros x y z a j _ c c' t _ D. simpl.
  eapply is_derive_as; [apply (product_rule _ _ t _ _ (D 0%nat) (D 1%nat))|]. ring.
Qed.

(** Two outputs, x + y and x y, as in [reference_nets/operations.py]. *)
Definition sum_and_product (x y z w : V) : operation :=
  Operation [x; y] [z; w]
    (fun j a => match j with O => a 0%nat + a 1%nat | _ => a 0%nat * a 1%nat end)
    (fun j k a => match j, k with
                  | O, _ => 1
                  | _, O => a 1%nat
                  | _, _ => a 0%nat
                  end).

(** It holds for both outputs everywhere. *)
Theorem sum_and_product_is_differentiable : forall x y z w a,
  differentiable (sum_and_product x y z w) a.
Proof.
  intros x y z w a [|j] _ c c' t _ D; simpl.
  - eapply is_derive_as; [apply (sum_rule _ _ t _ _ (D 0%nat) (D 1%nat))|]. ring.
  - eapply is_derive_as; [apply (product_rule _ _ t _ _ (D 0%nat) (D 1%nat))|]. ring.
Qed.

(** For example: sigmoid may stand in any program. *)
Theorem sigmoid_is_differentiable : forall x y a,
  differentiable (unary sigmoid (fun t => sigmoid t * (1 - sigmoid t)) x y) a.
Proof.
  intros. apply (unary_is_differentiable sigmoid (fun t => sigmoid t * (1 - sigmoid t))).
  apply sigmoid_rule.
Qed.

End RealPrograms.
